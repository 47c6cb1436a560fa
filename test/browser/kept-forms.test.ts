import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MINUTE_MS } from '../../src/core/duration.ts';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { addAuthenticator, type Browser, launchBrowser } from '../support/browser.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp } from '../support/visitor.ts';

const KEYS = '/broker/zerodha/credentials';

describe.each([true, false])('a form that is sent too late, with JavaScript: %s', (javaScriptEnabled) => {
  const clock = createSettableClock('2026-11-20T12:00:00+05:30');
  let server: TestServer;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    const env = { SESSION_IDLE_TIMEOUT: 'off', SESSION_EXPIRY_TIME: 'off' };
    [server, browser] = await Promise.all([
      startTestServer({ clock, env, hostname: 'localhost' }),
      launchBrowser(),
    ]);
    await setUp(createVisitor(server.origin));
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  const at = (path: string): string => server.origin + path;

  async function signIn(path: string): Promise<void> {
    await page.goto(at(`/auth/login?returnTo=${encodeURIComponent(path)}`));
    await page.getByLabel('Username').fill(PERSON.username);
    await page.getByLabel('Password', { exact: true }).fill(PERSON.password);
    await page.getByRole('button', { name: 'Sign in' }).first().click();
    await page.waitForURL(at(path));
  }

  async function confirm(password: string = PERSON.password): Promise<void> {
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Continue' }).click();
  }

  const invited = async () => (await server.services.accounts.invitations.list()).map(({ email }) => email);

  async function sendInvitation(email: string): Promise<void> {
    await page.getByLabel('Viewer').check();
    await page.getByLabel('Email address').fill(email);
    clock.advance(30 * MINUTE_MS);
    await page.getByRole('button', { name: 'Invite' }).click();
    await page.getByText('Invite someone: not done yet.').waitFor();
  }

  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 390, height: 844 }, javaScriptEnabled });
    page = await context.newPage();
    clock.advance(MINUTE_MS);
  });

  test('is carried out behind the password, also after a wrong one, and once', async () => {
    await signIn('/users/invitations');
    await sendInvitation('meera@example.org');
    if (javaScriptEnabled) await expectNoAxeViolations(page);
    await confirm('not-the-password');
    await page.getByRole('alert').waitFor();
    expect(await invited()).toEqual([]);
    await confirm();
    await page.getByRole('heading', { name: 'The invitation is ready' }).waitFor();
    expect(page.url()).toBe(at('/users/invitations'));
    expect(await invited()).toEqual(['meera@example.org']);
    await page.reload();
    await page.getByText('was sent already').waitFor();
    expect(await invited()).toEqual(['meera@example.org']);
  });

  test('takes its secrets along, which no page shows meanwhile', async () => {
    await signIn(KEYS);
    await page.locator('main form input[type=text]:visible').first().fill('my-app-key');
    await page.locator('main input[type=password]').first().fill('my-app-secret');
    clock.advance(30 * MINUTE_MS);
    await page.locator('main form button.button-main').first().click();
    await page.getByText('Save the app keys of a broker: not done yet.').waitFor();
    expect(await page.content()).not.toContain('my-app');
    if (javaScriptEnabled) expect(await page.evaluate('sessionStorage.length')).toBe(0);
    await confirm();
    await page.waitForURL(at('/broker?notice=credentials_saved'));
  });

  test('is dropped by who does not continue', async () => {
    await signIn('/users/invitations');
    await sendInvitation('nobody@example.org');
    await page.getByRole('link', { name: 'Cancel' }).click();
    await page.waitForURL(at('/dashboard'));
    expect(await invited()).not.toContain('nobody@example.org');
  });

  if (javaScriptEnabled) test('is carried out behind a passkey', behindPasskey);

  async function behindPasskey(): Promise<void> {
    await addAuthenticator(page);
    await signIn('/profile/passkeys');
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByText('recovery codes').first().waitFor();
    await page.goto(at('/users/invitations'));
    await sendInvitation('passkey@example.org');
    await page.getByRole('button', { name: 'Use your passkey instead' }).click();
    await page.getByRole('heading', { name: 'The invitation is ready' }).waitFor();
    expect(await invited()).toContain('passkey@example.org');
  }
});
