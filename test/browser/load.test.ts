import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { createAlertStore } from '../../src/monitoring/load/alert-store.ts';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn } from '../support/visitor.ts';
import { openPhonePage, type PhonePage } from './phone-page.ts';

const STRANGER = '203.0.113.9';

describe('the page of the load, in a browser on a phone', () => {
  let browser: Browser;
  let server: TestServer;
  let phone: PhonePage;

  beforeAll(async () => {
    [server, browser] = await Promise.all([
      startTestServer({ env: { TRUST_PROXY: '127.0.0.1', TRAFFIC_LOG_ADDRESSES: 'full' } }),
      launchBrowser(),
    ]);
    await setUp(createVisitor(server.origin));
    phone = await openPhonePage(browser, server.origin, '/security/load');
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  async function askInVain(times: number): Promise<void> {
    for (let count = 0; count < times; count += 1)
      await fetch(`${server.origin}/api/v1/session`, { headers: { 'X-Forwarded-For': STRANGER } });
  }

  test('is complete when it comes, and explains itself', async () => {
    const { page, expectGoodPage } = phone;
    await expectGoodPage();
    await page.getByText('No alert. Every figure is below its threshold.').waitFor();
    await page.getByRole('heading', { name: 'The last five minutes, on this node' }).waitFor();
  });

  test('shows new figures and an alert without being loaded again, and leads to a ban', async () => {
    const { page, expectGoodPage, complaints } = phone;
    await page.evaluate('globalThis.stillTheSame = true');
    await askInVain(5);
    const requests = page.locator('[data-figure="now.api.requests"]');
    await requests.getByText('5', { exact: true }).waitFor();
    await askInVain(20);
    await requests.getByText('25', { exact: true }).waitFor();
    await createAlertStore(server.infrastructure.database).raiseOrKeep(
      { what: 'failed:api', figure: 0.5, threshold: 0.05, node: 'desk', busiest: [] },
      systemClock.now(),
    );
    await page.getByText('API and webhooks: requests fail').first().waitFor();
    await page.getByRole('status').getByText('Alerts now: 1').waitFor({ state: 'attached' });
    expect(await page.evaluate('globalThis.stillTheSame')).toBe(true);
    await expectGoodPage();
    expect(complaints).toEqual([]);

    await page
      .getByRole('link', { name: `Ban ${STRANGER}` })
      .last()
      .click();
    await page.getByRole('heading', { name: 'Ban an address' }).waitFor();
    expect(await page.getByLabel('Address').inputValue()).toBe(STRANGER);
  });

  test('is the same where no script runs', async () => {
    const visitor = createVisitor(server.origin);
    await signIn(visitor);
    const context = await browser.newContext({ javaScriptEnabled: false });
    const cookie = { name: 'curfew', value: visitor.sessionCookie(), url: server.origin };
    await context.addCookies([cookie]);
    const page = await context.newPage();
    await page.goto(`${server.origin}/security/load`);
    const text = (await page.getByRole('main').textContent()) ?? '';
    for (const words of ['API and webhooks: requests fail', STRANGER, 'Pending Telegram messages', 'p99'])
      expect(text).toContain(words);
    await context.close();
  });

  test('is wide on a wide screen, and accessible there as well', async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const visitor = createVisitor(server.origin);
    await signIn(visitor);
    await context.addCookies([{ name: 'curfew', value: visitor.sessionCookie(), url: server.origin }]);
    const page = await context.newPage();
    await page.goto(`${server.origin}/security/load`);
    await expectNoAxeViolations(page);
    await context.close();
  });
});
