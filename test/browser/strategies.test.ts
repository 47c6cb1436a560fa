import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importKnownSymbols } from '../strategies/known-symbols.ts';
import { send } from '../strategies/trader.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn } from '../support/visitor.ts';
import { openPhonePage, type PhonePage } from './phone-page.ts';

const run = promisify(execFile);
const EVERY_DAY = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** Runs in the page: between the border of Sunday's box and what is inside of it. */
const CONTRAST_OF_BORDER = `(() => {
  const box = document.getElementById('day-sun');
  const { borderTopColor, borderTopWidth, backgroundColor } = getComputedStyle(box);
  const light = (colour) => {
    const [r, g, b] = colour.match(/[0-9.]+/g).map((part) => {
      const share = Number(part) / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const [one, other] = [light(borderTopColor), light(backgroundColor)];
  return borderTopWidth === '0px' ? 0 : Math.max(one, other) / Math.min(one, other);
})()`;

describe('The pages of strategies, in a browser', () => {
  let browser: Browser;
  let page: Page;
  let server: TestServer;
  let webhook = '';
  let phone: PhonePage;

  beforeAll(async () => {
    [server, browser] = await Promise.all([startTestServer(), launchBrowser()]);
    const visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    await connectSandbox(visitor);
    await importKnownSymbols(server.services);
    phone = await openPhonePage(browser, server.origin, '/strategies');
    page = phone.page;
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  const at = (path: string): string => server.origin + path;
  const mainText = async () => (await page.getByRole('main').textContent()) ?? '';
  const expectGoodPage = () => phone.expectGoodPage();
  const copied = () => page.evaluate<string>('navigator.clipboard.readText()');

  test('a form that was not filled in says what is wrong at each field', async () => {
    await expectGoodPage();
    await page.getByRole('link', { name: 'New strategy' }).click();
    await expectGoodPage();
    await page.getByLabel('Name').fill('Opening range');
    await page.getByLabel('Symbol 2').fill('sbin');
    await page.getByRole('button', { name: 'Create strategy' }).click();
    const summary = page.getByRole('alert');
    await summary.waitFor();
    await expectGoodPage();
    await summary.getByRole('link', { name: /Symbol 2/ }).click();
    expect(await page.evaluate<string>('document.activeElement.id')).toBe('symbol-1');
    expect(await page.getByLabel('Name').inputValue()).toBe('Opening range');
  });

  test.each(['light', 'dark'] as const)(
    'a box without a tick is seen in the %s (WCAG 1.4.11)',
    async (colorScheme) => {
      await page.emulateMedia({ colorScheme });
      expect(await page.getByLabel('Sun').isChecked()).toBe(false);
      expect(await page.evaluate<number>(CONTRAST_OF_BORDER)).toBeGreaterThan(3);
      await page.emulateMedia({ colorScheme: null });
    },
  );

  test('a row is added in place, and a symbol is suggested while it is typed', async () => {
    await page.getByRole('button', { name: 'Add row' }).click();
    expect(await page.evaluate<string>('document.activeElement.id')).toBe('symbol-3');
    const row = page.getByRole('group', { name: 'Row 4' });
    await row.getByLabel('Symbol 4').fill('state bank');
    const option = page.locator('#symbol-options option[value="NSE:SBIN"]');
    await option.waitFor({ state: 'attached' });
    expect(await option.textContent()).toBe('STATE BANK OF INDIA, lot 1');
    await row.getByLabel('Symbol 4').fill('NSE:SBIN');
    expect(await row.getByLabel('Quantity 4').inputValue()).toBe('1');
    await expectGoodPage();
    await row.getByLabel('Symbol 4').fill('');
    await row.getByLabel('Quantity 4').fill('');
    expect(await page.getByLabel('Find a symbol').isVisible()).toBe(false);
  });

  test('a strategy is made, and switched on', async () => {
    await page.getByLabel('Symbol 2').fill('nse:sbin');
    await page.getByLabel('Quantity 2').fill('10');
    for (const day of EVERY_DAY) await page.getByLabel(day).check();
    await page.getByLabel('Begins').fill('00:00');
    await page.getByLabel('Ends').fill('00:00');
    await page.getByRole('button', { name: 'Create strategy' }).click();
    await page.waitForURL(/notice=created/);
    await expectGoodPage();
    await page.getByRole('button', { name: 'Copy the address' }).click();
    await page.getByText('Copied', { exact: true }).waitFor();
    webhook = await copied();
    expect((await send(webhook)).status).toBe(409);
    await page.getByRole('button', { name: 'Switch on' }).click();
    await page.getByText('On: signals are taken in its window').waitFor();
    await expectGoodPage();
  });

  test('its signals are shown, with what became of them', async () => {
    expect((await send(webhook)).status).toBe(200);
    await send(webhook, 'BUY NSE:INFY');
    await page.reload();
    expect(await mainText()).toMatch(/Buy NSE:INFY.*Refused: its symbol is not one of the strategy’s/s);
    expect(await mainText()).toMatch(/Buy 10 NSE:SBIN \(MIS\).*Accepted/s);
    await expectGoodPage();
    await page.getByText('What to send').click();
    expect(await mainText()).toContain('{{strategy.order.action}}');
    await expectGoodPage();
  });

  test('a test signal is sent, marked as one, and shown with its text', async () => {
    await page.getByText('Send test signal').first().click();
    await expectGoodPage();
    await page.getByLabel('Text of the signal').fill('SELL NSE:SBIN 3');
    await page.getByRole('button', { name: 'Send test signal' }).click();
    await page.getByText('Test signal: accepted.').waitFor();
    expect(await mainText()).toMatch(/Test\s+Sell 3 NSE:SBIN \(MIS\)/);
    await page.getByText('Details of signal 1').click();
    await page.getByText('SELL NSE:SBIN 3', { exact: true }).waitFor();
    await expectGoodPage();
  });

  test('TradingView’s addresses take one press, and others are typed', async () => {
    expect(await mainText()).toContain('Any sender with the address');
    await page.getByRole('button', { name: 'Only TradingView’s addresses' }).click();
    await page.waitForURL(/notice=addresses_saved/);
    expect(await page.getByLabel('Addresses that may send').inputValue()).toContain('52.89.214.238');
    await expectGoodPage();
    await page.getByLabel('Addresses that may send').fill('tradingview.com');
    await page.getByRole('button', { name: 'Save the addresses' }).click();
    await page.getByRole('alert').waitFor();
    await expectGoodPage();
    await page.getByLabel('Addresses that may send').fill('');
    await page.getByRole('button', { name: 'Save the addresses' }).click();
    await page.waitForURL(/notice=addresses_saved/);
  });

  test('a signature can be demanded, and made as the page says', async () => {
    await page.getByRole('button', { name: 'Demand a signature' }).click();
    await page.getByRole('heading', { name: 'Copy it now' }).waitFor();
    await expectGoodPage();
    await page.getByRole('button', { name: 'Copy the secret' }).click();
    await page.getByText('Copied', { exact: true }).waitFor();
    const secret = await copied();
    await page.getByRole('link', { name: 'I have copied it' }).click();
    expect(await page.content()).not.toContain(secret);
    expect((await send(webhook, 'SELL NSE:SBIN')).status).toBe(403);

    await page.getByText('How to sign').click();
    await expectGoodPage();
    const recipe = await page.locator('details', { hasText: 'How to sign' }).locator('pre').textContent();
    const { stdout } = await run('sh', ['-c', recipe ?? ''], {
      env: { ...process.env, SECRET: secret, WEBHOOK: webhook },
    });
    expect(JSON.parse(stdout)).toMatchObject({ status: 'accepted' });
  });

  test('it is switched off from the list, and deleted after a question', async () => {
    await page.goto(at('/strategies'));
    await expectGoodPage();
    await page.getByRole('button', { name: 'Switch off Opening range' }).click();
    await page.getByText('Switched off: signals are refused').waitFor();
    await page.getByRole('link', { name: 'Delete the strategy' }).click();
    await expectGoodPage();
    await page.getByRole('button', { name: 'Delete it' }).click();
    await page.getByText('You have no strategy yet').waitFor();
    await expectGoodPage();
    expect((await send(webhook)).status).toBe(404);
  });

  test('the console had nothing to complain about', () => {
    expect(phone.complaints).toEqual([]);
  });
});
