import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MINUTE_MS, SECOND_MS } from '../../src/core/duration.ts';
import { toIstIso } from '../../src/core/ist.ts';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { type InstalledCurfew, installCurfew } from '../support/installed-curfew.ts';
import { PERSON } from '../support/visitor.ts';

describe('the journey in a browser, from the first command', () => {
  let curfew: InstalledCurfew;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    [curfew, browser] = await Promise.all([installCurfew(), launchBrowser()]);
    context = await browser.newContext();
    page = await openPage(context);
  });
  afterAll(async () => {
    await browser.close();
    await curfew.stop();
  });

  async function openPage(owner: BrowserContext): Promise<Page> {
    const opened = await owner.newPage();
    opened.on('console', (message) => {
      // A refused form and an ended session are answers that Chromium writes to the console by itself.
      if (message.type() === 'error' && !/status of (400|401|403|404)/.test(message.text()))
        complaints.push(message.text());
    });
    opened.on('pageerror', (error) => complaints.push(error.message));
    return opened;
  }

  const at = (path: string): string => curfew.origin + path;

  async function signIn(where: Page): Promise<void> {
    await where.getByLabel('Username').fill(PERSON.username);
    await where.getByLabel('Password', { exact: true }).fill(PERSON.password);
    await where.getByRole('button', { name: 'Sign in' }).click();
  }

  test('an empty house asks for its first account', async () => {
    await page.goto(at('/'));
    await expectNoAxeViolations(page);
    await page.getByRole('link', { name: 'Create the first account' }).click();
    await page.waitForURL(at('/setup'));
    await expectNoAxeViolations(page);

    await page.getByLabel('Username').fill(PERSON.username);
    await page.getByLabel('Email').fill(PERSON.email);
    await page.getByLabel('Password', { exact: true }).fill('password');
    await page.getByRole('button', { name: /create|make/i }).click();
    // What was typed is kept, but for the password.
    expect(await page.getByLabel('Username').inputValue()).toBe(PERSON.username);
    expect(await page.getByLabel('Password', { exact: true }).inputValue()).toBe('');
    await expectNoAxeViolations(page);

    await page.getByLabel('Password', { exact: true }).fill(PERSON.password);
    await page.getByRole('button', { name: /create|make/i }).click();
    await page.waitForURL(/\/auth\/login/);
    expect((await page.goto(at('/setup')))?.status()).toBe(404);
    await expectNoAxeViolations(page);
  });

  test('signing in shows who, since when, and the countdown', async () => {
    await page.goto(at('/auth/login'));
    await expectNoAxeViolations(page);
    await page.getByLabel('Username').fill(PERSON.username);
    await page.getByLabel('Password', { exact: true }).fill('not-the-password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    await expectNoAxeViolations(page);

    await signIn(page);
    await page.waitForURL(at('/dashboard'));
    await page.getByText('03:00:00 IST').first().waitFor();
    expect(await page.getByRole('main').textContent()).toContain(PERSON.username);
    await expectNoAxeViolations(page);
  });

  test('the practice broker is connected through its own pages', async () => {
    await page.goto(at('/broker'));
    await expectNoAxeViolations(page);
    await page.getByRole('button', { name: /^Connect/ }).click();
    await page.waitForURL(/\/sandbox\/authorize/);
    await expectNoAxeViolations(page);
    await page.getByRole('button', { name: 'Deny' }).click();
    await page.waitForURL(/notice=denied/);
    await expectNoAxeViolations(page);

    await page.getByRole('button', { name: /^Connect/ }).click();
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.waitForURL(/notice=connected/);
    await page.getByText(/Connected until/).waitFor();
    await expectNoAxeViolations(page);
  });

  test("a stolen callback address is refused in somebody else's browser", async () => {
    const stranger = await browser.newContext();
    const elsewhere = await openPage(stranger);
    await elsewhere.goto(at('/auth/broker/sandbox/callback?code=abc&state=def'));
    expect(await elsewhere.getByRole('main').textContent()).toMatch(/sign in/i);
    await expectNoAxeViolations(elsewhere);
    expect((await elsewhere.goto(at('/dashboard')))?.url()).toContain('/auth/login?reason=login_required');
    await stranger.close();
  });

  test('the devices page ends the other ones', async () => {
    const phone = await browser.newContext({ viewport: { width: 390, height: 844 } });
    const small = await openPage(phone);
    await small.goto(at('/auth/login'));
    await signIn(small);
    await small.waitForURL(at('/dashboard'));
    await expectNoAxeViolations(small);
    expect(await small.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);

    await page.goto(at('/sessions'));
    await expectNoAxeViolations(page);
    await page.getByRole('button', { name: /all other|others/i }).click();
    await page.waitForURL(at('/sessions'));
    // By itself: nobody touches the phone.
    await small.waitForURL(/\/auth\/login\?reason=revoked/);
    await phone.close();
  });

  test('a malformed cutoff is refused with a log line, and the old one stays', async () => {
    curfew.setInEnvFile('SESSION_EXPIRY_TIME', '3 o’clock');
    await expect
      .poll(() => curfew.output(), { timeout: 5 * SECOND_MS })
      .toContain('Refused: the old value stays');
    await page.goto(at('/dashboard'));
    expect(await page.getByRole('main').textContent()).toContain('03:00:00 IST');
  });

  test(
    'a cutoff set minutes ahead ends every tab on the second, and the receipt names what ended',
    async () => {
      await page.goto(at('/dashboard'));
      const second = await openPage(context);
      await second.goto(at('/broker'));

      // The next full minute that is far enough away to be seen coming.
      const cutoff = Math.ceil((Date.now() + 12 * SECOND_MS) / MINUTE_MS) * MINUTE_MS;
      const time = toIstIso(cutoff).slice(11, 16);
      curfew.setInEnvFile('SESSION_EXPIRY_TIME', time);
      await expect
        .poll(() => curfew.output(), { timeout: 5 * SECOND_MS })
        .toContain(`SESSION_EXPIRY_TIME=${time}`);
      await page.reload();
      await page.getByText(`${time}:00 IST`).first().waitFor();

      await page.waitForURL(/\/auth\/login\?reason=cutoff/, { timeout: 100 * SECOND_MS });
      expect(Date.now() - cutoff).toBeLessThan(10 * SECOND_MS);
      expect(Date.now()).toBeGreaterThanOrEqual(cutoff);
      await second.bringToFront();
      await second.waitForURL(/\/auth\/login\?reason=cutoff/, { timeout: 10 * SECOND_MS });
      expect(second.url()).toContain('returnTo=%2Fbroker');
      await expectNoAxeViolations(second);

      // The other tab has its login form open as well, with a session of its own: the first try may have to be repeated.
      await signIn(second);
      await second.waitForLoadState();
      if (second.url().includes('/auth/login')) await signIn(second);
      await second.waitForURL(at('/broker'));
      expect(await second.getByRole('main').textContent()).toContain('Expired at the cutoff');
      await second.goto(at('/dashboard'));
      const text = (await second.getByRole('main').textContent()) ?? '';
      for (const ended of ['Broker tokens revoked', 'Sessions ended', 'Cached values cleared'])
        expect(text).toContain(ended);
      await expectNoAxeViolations(second);
      await second.close();
    },
    150 * SECOND_MS,
  );

  test('signing out shows a confirmation, clears everything, and Back shows nothing', async () => {
    await page.goto(at('/dashboard'));
    if (page.url().includes('/auth/login')) await signIn(page);
    await page.goto(at('/dashboard'));
    await page.goto(at('/auth/logout'));
    await expectNoAxeViolations(page);
    await page.getByRole('main').getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(/\/auth\/login\?reason=logged_out/);
    await expectNoAxeViolations(page);
    expect(
      (await context.cookies()).filter(
        (cookie) => cookie.name === 'curfew' && cookie.value.startsWith('s%3As.'),
      ),
    ).toEqual([]);
    await page.goBack();
    await page.waitForURL(/\/auth\/login/);
    expect(await page.getByRole('main').textContent()).not.toContain('Next cutoff');
  });

  test('everything works without JavaScript', async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false });
    const bare = await openPage(plain);
    await bare.goto(at('/broker'));
    await signIn(bare);
    await bare.waitForURL(at('/broker'));
    await bare.getByRole('button', { name: /^Connect/ }).click();
    await bare.getByRole('button', { name: 'Allow' }).click();
    await bare.getByText(/Connected until/).waitFor();
    await bare.goto(at('/dashboard'));
    expect(await bare.getByRole('main').textContent()).toMatch(/IST/);
    await bare.getByRole('button', { name: 'Sign out' }).click();
    await bare.waitForURL(/reason=logged_out/);
    await plain.close();
  });

  test('the keyboard alone reaches the content and signs in', async () => {
    const fresh = await browser.newContext();
    const keyboard = await openPage(fresh);
    await keyboard.goto(at('/auth/login'));
    await keyboard.getByLabel('Username').focus();
    await keyboard.keyboard.type(PERSON.username);
    await keyboard.keyboard.press('Tab');
    await keyboard.keyboard.type(PERSON.password);
    await keyboard.keyboard.press('Enter');
    await keyboard.waitForURL(at('/dashboard'));
    await keyboard.reload();
    await keyboard.keyboard.press('Tab');
    expect(await keyboard.evaluate<string>('document.activeElement.textContent')).toMatch(/skip/i);
    await fresh.close();
  });

  test('the console had nothing to complain about, and the log holds no secret', () => {
    expect(complaints).toEqual([]);
    expect(curfew.output()).not.toContain(PERSON.password);
    expect(curfew.output()).not.toMatch(/s%3A|gAAAAA|s\.[0-9a-f-]{36}\./);
  });
});
