import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn } from '../support/visitor.ts';

const RAVI = { username: 'ravi', password: 'long-quiet-evening-77', email: 'ravi@example.org' } as const;
const SIZES = [
  ['on a phone', { width: 390, height: 844 }],
  ['on a desk', { width: 1280, height: 900 }],
] as const;

describe.each(SIZES)('people and their sessions, in a browser %s', (name, viewport) => {
  let browser: Browser;
  let page: Page;
  let server: TestServer;
  const complaints: string[] = [];

  beforeAll(async () => {
    [server, browser] = await Promise.all([startTestServer(), launchBrowser()]);
    await setUp(createVisitor(server.origin));
    await server.services.accounts.userAdmin.create({ ...RAVI, role: 'user' }, { actor: 'test' });
    await signIn(createVisitor(server.origin), RAVI);
    page = await (await browser.newContext({ viewport })).newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of 40[013]/.test(message.text()))
        complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(at('/auth/login?returnTo=/users'));
    await typeIn();
    await page.getByRole('heading', { name: 'People' }).waitFor();
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  const at = (path: string): string => server.origin + path;
  const mainText = async () => (await page.getByRole('main').textContent()) ?? '';
  async function typeIn(password: string = PERSON.password): Promise<void> {
    await page.getByLabel('Username').fill(PERSON.username);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }
  async function expectGoodPage(shot: string): Promise<void> {
    await expectNoAxeViolations(page);
    expect(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    const folder = process.env['SCREENSHOTS'];
    if (folder === undefined) return;
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({
        path: `${folder}/${shot}-${name.replaceAll(' ', '-')}-${colorScheme}.png`,
        fullPage: true,
      });
    }
    await page.emulateMedia({ colorScheme: null });
  }

  test('a person is made, and their password is shown once', async () => {
    await expectGoodPage('people');
    await page.getByRole('link', { name: 'Add a person' }).click();
    await expectGoodPage('new-person');
    await page.getByLabel('Username').fill('x');
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByRole('alert').waitFor();
    await expectGoodPage('new-person-wrong');
    await page.getByLabel('Username').fill('meera');
    await page.getByLabel('Email address').fill('meera@example.org');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'meera has an account' }).waitFor();
    await expectGoodPage('password');
    const password = (await page.locator('#temporary-password').textContent()) ?? '';
    await signIn(createVisitor(server.origin), { username: 'meera', password });
    await page.getByRole('link', { name: 'I have copied it' }).click();
    await page.getByRole('heading', { name: 'meera' }).waitFor();
    await expectGoodPage('person');
    expect(await mainText()).not.toContain(password);
  });

  test('each act asks first, and the last administrator stays', async () => {
    for (const [link, heading, button] of [
      ['Change role', /Change the role of meera\?/, 'Change role'],
      ['Reset password', /Give meera a new password\?/, undefined],
      ['Disable', /Disable meera\?/, 'Disable meera'],
      ['Enable', /Let meera sign in again\?/, 'Let them sign in again'],
    ] as const) {
      await page.getByRole('main').getByRole('link', { name: link, exact: true }).click();
      await page.getByRole('heading', { name: heading }).waitFor();
      await expectGoodPage(link.replaceAll(' ', '-').toLowerCase());
      if (button === undefined) await page.getByRole('link', { name: 'Cancel' }).click();
      else await page.getByRole('button', { name: button }).click();
      await page.getByRole('heading', { name: 'meera', exact: true }).waitFor();
    }
    await page.goto(at('/users?q=nobody-at-all'));
    await expectGoodPage('nobody');
  });

  test('a name as long as they come fits on the smallest phone', async () => {
    const longest = { username: 'm'.repeat(32), password: 'long-quiet-evening-77', email: 'm@example.org' };
    const made = await server.services.accounts.userAdmin.create(
      { ...longest, role: 'user' },
      { actor: 'test' },
    );
    const id = made.kind === 'created' ? made.user.id : '';
    await page.setViewportSize({ width: 320, height: 640 });
    for (const path of [`/users/${id}/disabling`, `/security/sessions/${id}/revocation`]) {
      expect((await page.goto(at(path)))?.status(), path).toBe(200);
      await expectGoodPage('longest-name');
    }
    await page.setViewportSize(viewport);
  });

  test('one session is ended, then everybody’s, and the receipt waits behind the sign-in', async () => {
    await page.goto(at('/security/sessions'));
    await expectGoodPage('sessions');
    await page.getByLabel('Person').fill('ravi');
    await page.keyboard.press('Enter');
    await page.getByText('1 session on this page').waitFor();
    await page.getByRole('link', { name: /^End the session of ravi/ }).click();
    await expectGoodPage('end-session');
    await page.getByRole('button', { name: 'End the session' }).click();
    await page.getByRole('heading', { name: 'What was ended' }).waitFor();
    await expectGoodPage('receipt');
    await page
      .getByRole('link', { name: /^End all of asha/ })
      .first()
      .click();
    await page.getByRole('heading', { name: 'End everything of asha?' }).waitFor();
    await expectGoodPage('end-person');
    await page.getByRole('link', { name: 'Cancel' }).click();
    await page.getByRole('link', { name: 'End all sessions' }).click();
    await page.getByText('Your own session ends too').waitFor();
    await expectGoodPage('end-everybody');
    await page.getByRole('button', { name: 'End all sessions' }).click();
    await page.waitForURL(/\/auth\/login\?reason=revoked/);
    await typeIn();
    await page.getByRole('heading', { name: 'What was ended' }).waitFor();
    expect(await mainText()).toContain('Sessions ended');
  });

  test('the password is asked for once more, and the way goes on', async () => {
    await page.goto(at('/auth/confirm?returnTo=/users/new'));
    await expectGoodPage('confirm');
    await page.getByLabel('Password', { exact: true }).fill('not it');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await expectGoodPage('confirm-wrong');
    await page.getByLabel('Password', { exact: true }).fill(PERSON.password);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Add a person' }).waitFor();
  });

  test('nothing complained', () => expect(complaints).toEqual([]));
});
