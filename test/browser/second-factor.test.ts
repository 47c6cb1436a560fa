import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MINUTE_MS, SECOND_MS } from '../../src/core/duration.ts';
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
import { totpCode } from '../support/totp-code.ts';
import { PERSON } from '../support/visitor.ts';

const [EMBEDDED, SCALED] = LINK_WORLDS;
const FACTOR = '/profile/second-factor';
const NEW_EMAIL = 'ravi@example.net';

/** Both kinds of stores, and with and without scripts: on Postgres and Redis the pages come from two servers by turns. */
describe.each([
  [EMBEDDED[0], EMBEDDED[1], true],
  [SCALED[0], SCALED[1], false],
] as const)('a second factor in a browser, on %s, %#', (_name, open, javaScriptEnabled) => {
  let browser: Browser;
  let world: LinkWorld;
  let page: Page;
  let ravi: { readonly username: string; readonly password: string } = RAVI;
  let secret = '';
  let recoveryCodes: readonly string[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    [world, browser] = await Promise.all([openLinkWorld(open, { SECOND_FACTOR: 'all' }), launchBrowser()]);
    page = await openPage();
  });
  afterAll(async () => {
    await browser.close();
    await world.close();
  });

  async function openPage(): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 390, height: 844 }, javaScriptEnabled });
    const opened = await context.newPage();
    opened.setDefaultTimeout(30 * SECOND_MS);
    opened.on('console', (message) => {
      // Sessions end here, and with them the sockets of pages.
      const isExpected = /status of 40[013]|WebSocket .* no valid credentials/.test(message.text());
      if (message.type() === 'error' && !isExpected) complaints.push(message.text());
    });
    opened.on('pageerror', (error) => complaints.push(error.message));
    return opened;
  }

  /** Cookies know no ports: each page may come from another server. */
  let turn = 0;
  function at(path: string): string {
    turn += 1;
    return (world.nodes[turn % world.nodes.length]?.origin ?? '') + path;
  }
  const heading = (text: string) =>
    page.getByRole('heading', { name: text, exact: true, level: 1 }).waitFor();
  const arriveAt = (path: string) => page.waitForURL((url) => url.pathname + url.search === path);
  const press = (name: string | RegExp) => page.getByRole('button', { name }).first().click();
  const typeIn = (label: string, text: string) => page.getByLabel(label, { exact: true }).fill(text);

  /** Each code counts once. */
  function nextCode(): string {
    world.clock.advance(MINUTE_MS);
    return totpCode(secret, world.clock.now());
  }
  const wrongCode = () => (nextCode() === '000000' ? '111111' : '000000');

  async function expectSound(): Promise<void> {
    if (!javaScriptEnabled) return;
    await expectNoAxeViolations(page);
    expect(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  }

  async function enterPassword(
    person: { readonly username: string; readonly password: string },
    returnTo: string,
  ): Promise<void> {
    await page.goto(at(`/auth/login?returnTo=${encodeURIComponent(returnTo)}`));
    await typeIn('Username', person.username);
    await typeIn('Password', person.password);
  }

  async function signOut(): Promise<void> {
    await press('Sign out');
    await page.waitForURL(/reason=logged_out/);
  }

  /** On the page that shows a secret and its QR code. */
  async function enrol(): Promise<void> {
    await heading('Set up your second factor');
    expect(await page.getByRole('img', { name: 'QR code for your authenticator app' }).isVisible()).toBe(
      true,
    );
    secret = ((await page.locator('main code').textContent()) ?? '').replaceAll(' ', '');
    const uri = new URL((await page.locator('a[href^="otpauth:"]').getAttribute('href')) ?? '');
    expect(uri.searchParams.get('secret')).toBe(secret);
    await expectSound();
    await typeIn('Code', wrongCode());
    await press('Set up');
    await page.getByRole('alert').waitFor();
    await typeIn('Code', nextCode());
    await press('Set up');
    await keepCodes();
  }

  async function keepCodes(): Promise<void> {
    await heading('Your recovery codes');
    recoveryCodes = await page.locator('.recovery-codes code').allTextContents();
    expect(new Set(recoveryCodes).size).toBe(10);
    await expectSound();
    await page.getByRole('link', { name: 'I have kept them' }).click();
  }

  /** On the page that asks who it is. */
  async function confirm(code: string): Promise<void> {
    await heading('Enter your password again');
    await typeIn('Password', ravi.password);
    await typeIn('Code', code);
    await press('Continue');
  }

  async function allowSandbox(): Promise<void> {
    await page.getByRole('button', { name: 'Allow' }).click();
  }

  const codesLeft = async () => {
    const { secondFactor } = world.first.services.accounts;
    return (await secondFactor.stateOf(world.ravi.id)).recoveryCodesLeft;
  };

  test('has to be set up at the first sign-in, which then leads on', async () => {
    await enterPassword(ravi, '/symbols');
    await press('Sign in');
    await page.waitForURL(/\/auth\/login\/enrolment/);
    await enrol();
    await arriveAt('/symbols');
    await page.goto(at('/broker'));
    await page
      .getByRole('article')
      .filter({ has: page.locator('#broker-sandbox') })
      .getByRole('button', { name: /^Connect/ })
      .click();
    await allowSandbox();
    await arriveAt('/broker?notice=connected');
  });

  test('signs in on one page next morning, and the broker is connected from the banner', async () => {
    world.clock.set('2026-11-21T09:00:00+05:30');
    await page.goto(at('/sessions?from=here'));
    await page.waitForURL(/\/auth\/login\?/);
    await page.getByText('Last signed in here').waitFor();
    await expectSound();
    await typeIn('Password', ravi.password);
    await typeIn('Code', nextCode());
    await press('Sign in');
    await arriveAt('/sessions?from=here');
    await page.getByRole('region', { name: 'Brokers to connect again' }).waitFor();
    await expectSound();
    await press(/^Reconnect/);
    await allowSandbox();
    await arriveAt('/sessions?from=here');
    expect(await page.getByText('is not connected').count()).toBe(0);
    await signOut();
  });

  test('is stood in for by a recovery code, once', async () => {
    const [code = ''] = recoveryCodes;
    for (const typed of [code.replaceAll('-', ' ').toUpperCase(), code]) {
      await enterPassword(ravi, '/profile');
      await typeIn('Code', typed);
      await press('Sign in');
      if (typed === code) await page.getByRole('alert').getByText('The code is wrong').waitFor();
      else {
        await arriveAt('/profile');
        await expectSound();
        await signOut();
      }
    }
    await expectSound();
    expect(await codesLeft()).toBe(9);
    await typeIn('Code', nextCode());
    await press('Sign in');
    await arriveAt('/profile');
  });

  test('is asked for again where it matters, and gives new recovery codes', async () => {
    world.clock.advance(30 * MINUTE_MS);
    const [former = ''] = recoveryCodes.slice(1);
    await page.goto(at(FACTOR));
    await expectSound();
    await confirm(wrongCode());
    await page.getByRole('alert').waitFor();
    await expectSound();
    await confirm(nextCode());
    await heading('Second factor');
    await expectSound();
    await press('Make new recovery codes');
    await keepCodes();
    await heading('Second factor');
    expect(recoveryCodes).not.toContain(former);
    expect(await codesLeft()).toBe(10);
  });

  test('is asked for by the form of another password, and before another email address', async () => {
    await page.goto(at('/profile/password'));
    await typeIn('Current password', ravi.password);
    await typeIn('New password', NEW_PASSWORD);
    await typeIn('Code', nextCode());
    await expectSound();
    await press('Change password');
    await page.getByRole('status').getByText('password is changed').waitFor();
    ravi = { ...ravi, password: NEW_PASSWORD };

    world.clock.advance(30 * MINUTE_MS);
    await page.goto(at('/profile/email'));
    await confirm(nextCode());
    await typeIn('Email address', NEW_EMAIL);
    await press('Change email address');
    await page.getByText('A link is on its way').waitFor();
    const mail = await eventually(async () => {
      await world.deliver();
      const found = world.mail.received.find(({ to }) => to.includes(NEW_EMAIL));
      if (found === undefined) throw new Error('No mail yet');
      return found;
    });
    await page.goto(at(linkPathIn(mail.text)));
    await expectSound();
    await press('Confirm email address');
    await heading('Your email address is confirmed');
    await page.goto(at('/profile'));
    await page.getByText(NEW_EMAIL).waitFor();
  });

  test('is removed after a question, and another one is set up', async () => {
    await page.goto(at(FACTOR));
    await page.getByRole('link', { name: 'Remove authenticator app' }).click();
    await heading('Remove your second factor?');
    await expectSound();
    await press('Remove');
    await page.getByRole('status').getByText('is removed').waitFor();
    expect(await codesLeft()).toBe(0);
    await enrol();
    await heading('Second factor');
    await signOut();
  });

  test('is reset by an administrator who has one, and the next sign-in begins with another', async () => {
    const own = page;
    page = await openPage();
    await enterPassword(PERSON, FACTOR);
    await press('Sign in');
    await enrol();
    await page.goto(at(`/users/${world.ravi.id}`));
    await page.getByRole('link', { name: 'Reset second factor' }).click();
    await heading('Reset the second factor of ravi?');
    await expectSound();
    await press('Reset second factor');
    await page.waitForURL(/notice=factors_reset/);
    await expectSound();

    page = own;
    await enterPassword(ravi, '/dashboard');
    await press('Sign in');
    await page.waitForURL(/\/auth\/login\/enrolment/);
    await enrol();
    await arriveAt('/dashboard');
    expect(complaints).toEqual([]);
  });
});
