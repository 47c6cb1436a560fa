import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp } from '../support/visitor.ts';
import { openPhonePage } from './phone-page.ts';

describe('the page of revocations that wait, in a browser', () => {
  let browser: Browser;
  let page: Page;
  let server: TestServer;

  beforeAll(async () => {
    [server, browser] = await Promise.all([startTestServer(), launchBrowser()]);
    await setUp(createVisitor(server.origin));
    page = (await openPhonePage(browser, server.origin, '/security/revocations')).page;
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  const fitsThePhone = () => page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth');

  test('says that nothing waits where nothing does', async () => {
    await page.getByText('No revocation is pending').waitFor();
    await expectNoAxeViolations(page);
  });

  test('lists what waits, reached from the dashboard, and fits a phone', async () => {
    const { revocations } = server.services.revocation;
    const { clock } = server.services;
    const user = await server.infrastructure.database.db
      .selectFrom('users')
      .select('id')
      .executeTakeFirstOrThrow();
    for (const reason of ['logged_out_everywhere', 'password_changed'] as const) {
      const { id, orderedAt } = await revocations.openAccount(user.id, reason);
      const lines = ['broker_tokens', 'sessions', 'caches'].map((step, index) => ({
        step,
        status: index === 0 ? ('done' as const) : ('queued' as const),
        count: 0,
        ms: 1,
      }));
      const receipt = { orderId: id, reason, scope: 'account', userId: user.id, orderedAt, lines } as const;
      await revocations.saveProgress({ ...receipt, status: 'queued' }, 2, clock.now() + 60_000);
    }
    await page.goto(`${server.origin}/dashboard`);
    await expectNoAxeViolations(page);
    await page.getByRole('link', { name: 'Pending revocations' }).click();
    expect(await page.getByRole('row').count()).toBe(3);
    expect(await page.getByRole('main').textContent()).toMatch(
      /Password changed.*Sessions, Cached values.*2 times/s,
    );
    await expectNoAxeViolations(page);
    expect(await fitsThePhone()).toBe(true);
  });
});
