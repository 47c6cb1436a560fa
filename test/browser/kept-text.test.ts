import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MINUTE_MS } from '../../src/core/duration.ts';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp } from '../support/visitor.ts';

const FORM = '/broker/zerodha/credentials';

describe('a form that is sent when the password has to be entered again', () => {
  const clock = createSettableClock('2026-11-20T12:00:00+05:30');
  let server: TestServer;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    const env = { SESSION_IDLE_TIMEOUT: 'off', SESSION_EXPIRY_TIME: 'off' };
    [server, browser] = await Promise.all([startTestServer({ clock, env }), launchBrowser()]);
    await setUp(createVisitor(server.origin));
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  const at = (path: string): string => server.origin + path;

  async function signIn(which: Page, path: string): Promise<void> {
    await which.goto(at(`/auth/login?returnTo=${encodeURIComponent(path)}`));
    await which.getByLabel('Username').fill(PERSON.username);
    await which.getByLabel('Password', { exact: true }).fill(PERSON.password);
    await which.getByRole('button', { name: 'Sign in' }).click();
    await which.waitForURL(at(path));
  }

  async function confirm(which: Page, password: string = PERSON.password): Promise<void> {
    await which.getByLabel('Password', { exact: true }).fill(password);
    await which.getByRole('button', { name: 'Continue' }).click();
  }

  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 390, height: 844 } });
    page = await context.newPage();
  });

  test('has back what was typed, but no secret, also behind a wrong password', async () => {
    await signIn(page, FORM);
    const key = page.locator('main form input:visible').first();
    const secret = page.locator('main input[type=password]').first();
    await key.fill('my-app-key');
    await secret.fill('my-app-secret');
    clock.advance(30 * MINUTE_MS);
    await page.locator('main form button.button-main').first().click();
    await page.waitForURL(/\/auth\/confirm/);
    await page.getByText('What you typed is put back into it').waitFor();
    expect(await page.getByText('What you typed is not kept.').isVisible()).toBe(false);
    expect(await page.evaluate('JSON.stringify(sessionStorage)')).not.toContain('my-app-secret');
    await expectNoAxeViolations(page);
    await confirm(page, 'not-the-password');
    await page.getByRole('alert').waitFor();
    await page.getByText('What you typed is put back into it').waitFor();
    await confirm(page);
    await page.waitForURL(at(FORM));
    await page.getByText('What you typed is back in the form.').waitFor();
    expect([await key.inputValue(), await secret.inputValue()]).toEqual(['my-app-key', '']);
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
    await expectNoAxeViolations(page);
  });

  test('has back what was chosen', async () => {
    await signIn(page, '/users/invitations');
    await page.getByLabel('Viewer').check();
    await page.getByLabel('Email address').fill('meera@example.org');
    clock.advance(30 * MINUTE_MS);
    await page.getByRole('button', { name: 'Invite' }).click();
    await page.waitForURL(/\/auth\/confirm/);
    await confirm(page);
    await page.waitForURL(at('/users/invitations'));
    expect(await page.getByLabel('Viewer').isChecked()).toBe(true);
    expect(await page.getByLabel('Email address').inputValue()).toBe('meera@example.org');
    await page.getByRole('button', { name: 'Invite' }).click();
    await page.getByRole('heading', { name: 'The invitation is ready' }).waitFor();
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  });

  test('offers nothing where it was taken', async () => {
    await signIn(page, '/profile/email');
    await page.getByLabel('Email address').fill('asha@new.example');
    await page.getByRole('button', { name: 'Change email address' }).click();
    await page.waitForURL(/\/profile\?notice=email/);
    await page.goto(at('/profile/email'));
    await expect.poll(() => page.evaluate('sessionStorage.length')).toBe(0);
    expect(await page.locator('[data-kept-back], [data-kept-text]').filter({ visible: true }).count()).toBe(
      0,
    );
  });

  test('says without JavaScript that it is not kept', async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false });
    const without = await plain.newPage();
    await signIn(without, '/profile/email');
    await without.getByLabel('Email address').fill('asha@other.example');
    clock.advance(30 * MINUTE_MS);
    await without.getByRole('button', { name: 'Change email address' }).click();
    await without.getByText('What you typed is not kept.').waitFor();
    expect(await without.getByText('What you typed is put back').isVisible()).toBe(false);
    await confirm(without);
    await without.waitForURL(at('/profile/email'));
  });
});
