import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { toIstIso } from '../../src/core/ist.ts';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { BLOCKED, startTelegramServer, type TelegramServer } from '../support/telegram-server.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp } from '../support/visitor.ts';
import { CHAT, TOKEN } from '../telegram/telegram-world.ts';

const MINUTE_MS = 60_000;
const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1280, height: 900 };

describe('settings and Telegram, in a browser', () => {
  let telegram: TelegramServer;
  let server: TestServer;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    telegram = await startTelegramServer(systemClock);
    telegram.addBot(TOKEN, 'asha_bot');
    telegram.addChat(CHAT);
    [server, browser] = await Promise.all([
      startTestServer({ env: { TELEGRAM_API_URL: telegram.url } }),
      launchBrowser(),
    ]);
    await setUp(createVisitor(server.origin));
    context = await browser.newContext({ viewport: PHONE });
    page = await openPage(context);
    await signIn(page);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
    await telegram.close();
  });

  const at = (path: string): string => server.origin + path;
  const groundOf = (which: Page) => which.evaluate<string>('getComputedStyle(document.body).backgroundColor');
  const mainText = async () => (await page.getByRole('main').textContent()) ?? '';

  async function openPage(where: BrowserContext): Promise<Page> {
    const opened = await where.newPage();
    opened.on('console', (message) => {
      if (message.type() === 'error' && !/status of (400|401|403|404)/.test(message.text()))
        complaints.push(message.text());
    });
    opened.on('pageerror', (error) => complaints.push(error.message));
    return opened;
  }

  async function signIn(which: Page): Promise<void> {
    await which.goto(at('/auth/login'));
    await which.getByLabel('Username').fill(PERSON.username);
    await which.getByLabel('Password', { exact: true }).fill(PERSON.password);
    await which.getByRole('button', { name: 'Sign in' }).click();
    await which.waitForURL(at('/dashboard'));
  }

  async function expectSound(): Promise<void> {
    for (const viewport of [PHONE, DESKTOP]) {
      await page.setViewportSize(viewport);
      await expectNoAxeViolations(page);
      expect(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    }
    await page.setViewportSize(PHONE);
  }

  /** The cutoff that many minutes from now, at a full minute. */
  function setCutoff(minutes: number): string {
    const time = toIstIso(systemClock.now() + minutes * MINUTE_MS).slice(11, 16);
    const [hour = 0, minute = 0] = time.split(':').map(Number);
    server.infrastructure.policy.replace({
      ...server.infrastructure.policy.current(),
      cutoffTime: { hour, minute },
    });
    return time;
  }

  test('the menu of a phone opens and closes, by touch and by keyboard, without a script', async () => {
    const plain = await browser.newContext({ viewport: PHONE, javaScriptEnabled: false });
    const phone = await openPage(plain);
    await signIn(phone);
    const link = phone.getByRole('link', { name: 'Settings' });
    expect(await link.count()).toBe(0);
    await phone.getByRole('button', { name: 'Menu' }).click();
    expect(await link.isVisible()).toBe(true);
    await phone.keyboard.press('Escape');
    expect(await link.count()).toBe(0);
    await phone.getByRole('button', { name: 'Menu' }).press('Enter');
    // Past the way to one's profile.
    await phone.keyboard.press('Tab');
    await phone.keyboard.press('Tab');
    await phone.keyboard.press('Enter');
    await phone.waitForURL(at('/dashboard'));
    await phone.getByRole('button', { name: 'Menu' }).click();
    await link.click();
    await phone.waitForURL(at('/settings'));
    await plain.close();
  });

  test('the open menu is sound, and a wide screen has none', async () => {
    await page.goto(at('/settings'));
    await page.getByRole('button', { name: 'Menu' }).click();
    await expectNoAxeViolations(page);
    await page.keyboard.press('Escape');
    await page.setViewportSize(DESKTOP);
    expect(await page.getByRole('button', { name: 'Menu' }).count()).toBe(0);
    expect(await page.getByRole('navigation').getByRole('link', { name: 'Devices' }).isVisible()).toBe(true);
    await page.setViewportSize(PHONE);
  });

  test('the form is sound, and keeps what was chosen', async () => {
    await page.goto(at('/settings'));
    await expectSound();
    await page.getByLabel('Dark').check();
    await page.getByLabel(/^\d{4}-/).check();
    await page.getByLabel('Warn me before the cutoff').selectOption('1 hour before');
    await page.getByLabel('End my sessions').selectOption('10 min');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    await expectSound();
    expect(await page.getByLabel('Dark').isChecked()).toBe(true);
    expect(await page.getByLabel('End my sessions').inputValue()).toBe('10m');
  });

  test('the theme wins over the device’s scheme, on pages for anyone too', async () => {
    const dark = 'rgb(14, 20, 24)';
    await page.emulateMedia({ colorScheme: 'light' });
    for (const path of ['/settings', '/dashboard', '/', '/nothing-here']) {
      await page.goto(at(path));
      expect(await groundOf(page), path).toBe(dark);
    }
    const stranger = await browser.newContext({ colorScheme: 'dark' });
    const other = await openPage(stranger);
    await other.goto(at('/'));
    expect(await groundOf(other)).toBe(dark);
    await other.emulateMedia({ colorScheme: 'light' });
    expect(await groundOf(other)).toBe('rgb(243, 246, 247)');
    await stranger.close();
    await page.emulateMedia({ colorScheme: null });
  });

  test('scripts write dates as was chosen, and warn from when was chosen', async () => {
    await page.goto(at('/dashboard'));
    const strip = page.locator('[data-session-strip]');
    expect(await strip.isVisible()).toBe(false);
    setCutoff(120);
    await page.evaluate("dispatchEvent(new Event('online'))");
    await strip.getByText(/The next cutoff is now \d{4}-\d{2}-\d{2}, \d{2}:\d{2}:00 IST/).waitFor();
    const time = setCutoff(50);
    await page.evaluate("dispatchEvent(new Event('online'))");
    await strip.getByText(new RegExp(`This session ends in \\d+:\\d{2}, at ${time} IST`)).waitFor();
    await page.goto(at('/settings'));
    expect(await strip.textContent()).toContain('This session ends');
    await expectNoAxeViolations(page);
    await page.getByLabel('Warn me before the cutoff').selectOption('5 minutes before');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    expect(await strip.isVisible()).toBe(false);
    server.infrastructure.policy.replace({
      ...server.infrastructure.policy.current(),
      cutoffTime: { hour: 3, minute: 0 },
    });
  });

  test('a bot is set up in four steps, and each says how it went', async () => {
    await page.goto(at('/telegram'));
    await expectSound();
    await page.getByLabel('Bot token').fill('not a token');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').waitFor();
    await expectSound();
    await page.getByLabel('Bot token').fill(TOKEN);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('@asha_bot').waitFor();
    expect(await page.content()).not.toContain(TOKEN);
    await expectSound();

    await page.getByRole('button', { name: 'Find my chat' }).click();
    await page.getByText('Your code was not among').waitFor();
    telegram.say(TOKEN, Number(CHAT), await page.locator('#start-text').innerText());
    await page.getByRole('button', { name: 'Find my chat' }).click();
    await page.getByText('Found you').waitFor();
    await page.getByLabel('A signal was refused').uncheck();
    await page.getByRole('button', { name: 'Save the choice' }).click();
    await page.getByText('Your choice is saved.').waitFor();
    expect(await page.getByLabel('A signal was refused').isChecked()).toBe(false);

    await page.getByRole('button', { name: 'Send a test message' }).click();
    await page.getByText('Telegram has taken the test message').waitFor();
    expect(telegram.sent).toHaveLength(1);
    telegram.refuseChat(CHAT, BLOCKED);
    await page.getByRole('button', { name: 'Send a test message' }).click();
    await page.getByText('The test did not get through').waitFor();
    await expectSound();
  });

  test('the page shows what became of messages', async () => {
    const other = await browser.newContext();
    await signIn(await openPage(other));
    await other.close();
    await server.services.telegram.queue.drain();
    await page.goto(at('/telegram'));
    expect(await mainText()).toContain('Failed. You have blocked the bot');
    await expectSound();
    await page.getByRole('button', { name: 'Remove the bot token' }).click();
    await page.getByText('The bot token is removed').waitFor();
  });

  test('the console had nothing to complain about', () => {
    expect(complaints).toEqual([]);
  });
});
