import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  LINK_WORLDS,
  type LinkWorld,
  linkPathIn,
  NEW_PASSWORD,
  openLinkWorld,
  RAVI,
} from '../accounts/link-world.ts';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { createVisitor, PERSON, signIn } from '../support/visitor.ts';

const [EMBEDDED, SCALED] = LINK_WORLDS;
const WAYS = [
  ['on a phone', EMBEDDED, { viewport: { width: 390, height: 844 }, javaScriptEnabled: true }],
  ['on a desk', SCALED, { viewport: { width: 1280, height: 900 }, javaScriptEnabled: true }],
  ['without scripts', SCALED, { viewport: { width: 390, height: 844 }, javaScriptEnabled: false }],
] as const;

describe.each(WAYS)('links that work once, in a browser %s', (name, [, open], options) => {
  let browser: Browser;
  let page: Page;
  let world: LinkWorld;
  const complaints: string[] = [];

  beforeAll(async () => {
    [world, browser] = await Promise.all([openLinkWorld(open), launchBrowser()]);
    page = await (await browser.newContext(options)).newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of 40[0134]/.test(message.text()))
        complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
  });
  afterAll(async () => {
    await browser.close();
    await world.close();
  });

  /** Where there are two servers, the pages come from them by turns: cookies know no ports. */
  let turn = 0;
  function at(path: string): string {
    turn += 1;
    return (world.nodes[turn % world.nodes.length]?.origin ?? '') + path;
  }
  const heading = (text: string | RegExp) => page.getByRole('heading', { name: text, level: 1 }).waitFor();

  async function expectGoodPage(shot: string): Promise<void> {
    if (!options.javaScriptEnabled) return;
    await expectNoAxeViolations(page);
    expect(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    const folder = process.env['SCREENSHOTS'];
    if (folder === undefined) return;
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const path = `${folder}/${shot}-${name.replaceAll(' ', '-')}-${colorScheme}.png`;
      await page.screenshot({ path, fullPage: true });
    }
    await page.emulateMedia({ colorScheme: null });
  }

  async function typeIn(person: { readonly username: string; readonly password: string }): Promise<void> {
    await page.getByLabel('Username', { exact: true }).fill(person.username);
    await page.getByLabel('Password', { exact: true }).fill(person.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  /** What the page says of a password while it is typed; nothing without scripts. */
  async function expectStrength(word: string): Promise<void> {
    const hint = page.locator('[data-strength-of=password]');
    if (options.javaScriptEnabled) await hint.filter({ hasText: new RegExp(`^${word}`) }).waitFor();
    else expect(await hint.isVisible()).toBe(false);
  }

  const mailAbout = (subject: string) =>
    eventually(async () => {
      await world.deliver();
      const index = world.mail.received.findIndex((mail) => mail.subject.includes(subject));
      const [mail] = index < 0 ? [] : world.mail.received.splice(index, 1);
      if (mail === undefined) throw new Error('No mail yet');
      return mail;
    });

  test('a forgotten password is reset by mail', { timeout: 90_000 }, async () => {
    await page.goto(at('/auth/login'));
    await page.getByRole('link', { name: 'Forgot your password?' }).click();
    await heading('Reset your password');
    await expectGoodPage('reset-request');
    await page.getByLabel('Username or email address').fill(RAVI.email);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('status').getByText('a mail with a link is on its way').waitFor();
    await expectGoodPage('reset-sent');

    const path = linkPathIn((await mailAbout('Reset')).text);
    await page.goto(at(path));
    await heading('Choose a new password');
    await page.getByLabel('New password', { exact: true }).fill('password');
    await expectStrength('Weak');
    await page.getByRole('button', { name: 'Change password' }).click();
    await page.getByRole('alert').waitFor();
    await expectGoodPage('reset-wrong');
    await page.getByLabel('New password', { exact: true }).fill(NEW_PASSWORD);
    await page.getByRole('button', { name: 'Change password' }).click();
    await page.getByText('Your password is changed, and everything').waitFor();
    await page.goto(at(path));
    await heading('This link does not work any more');
    await expectGoodPage('link-over');
  });

  test('a new device is told on the dashboard and ended from there', { timeout: 90_000 }, async () => {
    await page.goto(at('/auth/login'));
    await typeIn({ ...RAVI, password: NEW_PASSWORD });
    await heading('Dashboard');
    world.clock.advance(1000);
    const stranger = createVisitor(world.first.origin);
    await signIn(stranger, { ...RAVI, password: NEW_PASSWORD });
    await page.reload();
    await expectGoodPage('dashboard-new-device');
    const notice = page.locator('.notice').filter({ hasText: 'A new device signed in' });
    await notice.getByRole('link', { name: 'That was not me' }).first().click();
    await heading('End this session?');
    await expectGoodPage('end-device');
    await page.getByRole('button', { name: 'End this session' }).click();
    await page.getByText('Now change your password').waitFor();
    expect((await stranger.get('/dashboard')).location).toContain('reason=revoked');
    await page.getByRole('button', { name: 'Sign out' }).first().click();
  });

  test('a person is invited, and makes their account', { timeout: 90_000 }, async () => {
    await page.goto(at('/auth/login?returnTo=/users/invitations'));
    await typeIn(PERSON);
    await heading('Invitations');
    await expectGoodPage('invitations-empty');
    await page.getByLabel('Viewer').check();
    await page.getByRole('button', { name: 'Invite' }).click();
    await heading('The invitation is ready');
    await expectGoodPage('invited');
    const path = linkPathIn((await page.locator('#one-time-link').textContent()) ?? '');
    await page.getByRole('link', { name: 'I have copied it' }).click();
    await heading('Invitations');
    await expectGoodPage('invitations');
    await page.getByRole('button', { name: 'Sign out' }).first().click();
    await page.getByText('You are signed out.').waitFor();

    await page.goto(at(path));
    await heading('Create your account');
    await expectGoodPage('invitation');
    await page.getByLabel('Username', { exact: true }).fill('meera');
    await page.getByLabel('Email address').fill('meera@example.org');
    await page.getByLabel('Password', { exact: true }).fill(NEW_PASSWORD);
    await expectStrength('Strong');
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByText('Your account is ready.').waitFor();
    await typeIn({ username: 'meera', password: NEW_PASSWORD });
    await heading('Dashboard');
    await expectGoodPage('viewer-dashboard');
    for (const place of ['/strategies', '/api-keys', '/telegram', '/profile']) {
      await page.goto(at(place));
      await expectGoodPage(`viewer${place.replaceAll('/', '-')}`);
    }
    expect(complaints).toEqual([]);
  });
});
