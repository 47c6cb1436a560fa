import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTrafficStore } from '../../src/monitoring/traffic/traffic-store.ts';
import { trafficEntry } from '../monitoring/traffic/traffic-entries.ts';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp } from '../support/visitor.ts';

const CLIENT = '203.0.113.9';
/** The page asks every two and a half seconds, and the log is written once a second. */
const SOON = { timeout: 15_000 };

describe.each([
  ['on a phone', { width: 390, height: 844 }],
  ['on a desktop', { width: 1280, height: 900 }],
] as const)('the traffic log, in a browser %s', (_name, viewport) => {
  let browser: Browser;
  let page: Page;
  let server: TestServer;
  const complaints: string[] = [];

  beforeAll(async () => {
    [server, browser] = await Promise.all([
      startTestServer({ env: { TRUST_PROXY: '127.0.0.1', TRAFFIC_LOG_ADDRESSES: 'full' }, jobs: true }),
      launchBrowser(),
    ]);
    await setUp(createVisitor(server.origin));
    const context = await browser.newContext({ viewport });
    page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of 400/.test(message.text()))
        complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await signIn(page);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  const at = (path: string): string => server.origin + path;
  const rows = () => page.locator('[data-tail-rows] > tr');
  const ask = (path: string) => fetch(at(path), { headers: { 'X-Forwarded-For': CLIENT } });
  async function signIn(visitor: Page): Promise<void> {
    await visitor.goto(at('/auth/login?returnTo=/security/traffic'));
    await visitor.getByLabel('Username').fill(PERSON.username);
    await visitor.getByLabel('Password', { exact: true }).fill(PERSON.password);
    await visitor.getByRole('button', { name: 'Sign in' }).click();
    await visitor.waitForURL(at('/security/traffic'));
  }
  async function expectGoodPage(): Promise<void> {
    await expectNoAxeViolations(page);
    expect(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  }

  test('new requests come in by themselves, at the top, until that is paused', async () => {
    await page.getByText('Live, newest first').waitFor();
    await ask('/wp-login.php');
    const found = page.getByRole('link', { name: 'GET /wp-login.php' });
    await found.waitFor(SOON);
    expect(await rows().first().textContent()).toContain(CLIENT);
    // Written by the script as the server would have written it.
    const withoutTime = (text: string) => text.replace(/just now|\d+ min ago/, 'then');
    const live = withoutTime(await rows().first().innerText());
    await expectGoodPage();

    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused.').waitFor();
    await ask('/xmlrpc.php');
    await server.services.traffic.trafficLog.flush();
    await page.waitForTimeout(3_000);
    expect(await page.getByRole('link', { name: 'GET /xmlrpc.php' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('link', { name: 'GET /xmlrpc.php' }).waitFor(SOON);
    expect(await found.count()).toBe(1);

    await page.goto(at('/security/traffic?q=wp-login'));
    expect(withoutTime(await rows().first().innerText())).toBe(live);
  });

  test('a row that has the focus keeps it while others come in, and there are never more than fifty', async () => {
    await createTrafficStore(server.infrastructure.database).write({
      entries: Array.from({ length: 60 }, (_, index) =>
        trafficEntry({ at: Date.now(), path: `/many/${index}` }),
      ),
      hours: [],
    });
    await page.goto(at('/security/traffic'));
    expect(await rows().count()).toBe(50);
    await page.getByRole('link', { name: 'GET /many/59' }).focus();
    await ask('/phpmyadmin');
    await page.getByRole('link', { name: 'GET /phpmyadmin' }).waitFor(SOON);
    expect(await page.evaluate<string>('document.activeElement.textContent')).toContain('/many/59');
    expect(await rows().count()).toBe(50);
    await page.getByRole('link', { name: 'Older' }).click();
    await page.getByRole('link', { name: 'GET /many/0', exact: true }).waitFor();
    await expectGoodPage();
  });

  test('requests are searched for by keyboard, and what is wrong is said at its field', async () => {
    await page.goto(at('/security/traffic'));
    await page.getByLabel('Answer').fill('4o4');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await expectGoodPage();
    await page.getByLabel('Answer').fill('');
    await page.getByText('More filters').click();
    await page.getByLabel('Address').fill(CLIENT);
    await page.getByLabel('Until').fill('2036-01-01T00:00');
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'GET /wp-login.php' }).waitFor();
    expect(await page.getByLabel('Until').inputValue()).toMatch(/^2036-01-01T00:00/);
    await expectGoodPage();

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Export CSV' }).click(),
    ]);
    expect(readFileSync(await download.path(), 'utf8')).toMatch(/^time,method,path,.*\r\n.*\/phpmyadmin,/);

    await page.getByLabel('Path or route').fill('nowhere');
    await page.keyboard.press('Enter');
    await page.getByText('No request fits this search.').waitFor();
    await expectGoodPage();
  });

  test('a request has a page, from which its address can be banned', async () => {
    await page.goto(at('/security/traffic?q=wp-login'));
    await page.getByRole('link', { name: 'GET /wp-login.php' }).click();
    await page.getByRole('heading', { name: 'A request' }).waitFor();
    await expectGoodPage();
    await page.getByRole('link', { name: 'Ban this address' }).click();
    expect(await page.getByLabel('Address').inputValue()).toBe(CLIENT);
    expect(complaints).toEqual([]);
  });

  test('without a script there is the same, but for what comes by itself', async () => {
    const context = await browser.newContext({ viewport, javaScriptEnabled: false });
    const plain = await context.newPage();
    await signIn(plain);
    await plain.getByText('More filters').click();
    await plain.getByLabel('Slower than (ms)').fill('0');
    await plain.getByRole('button', { name: 'Search' }).click();
    expect(await plain.locator('[data-tail-rows] > tr').count()).toBeGreaterThan(0);
    expect(await plain.getByRole('button', { name: 'Pause' }).count()).toBe(0);
    await context.close();
  });
});
