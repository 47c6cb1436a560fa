import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importKnownSymbols } from '../strategies/known-symbols.ts';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { launchBrowser } from '../support/browser.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp } from '../support/visitor.ts';

describe('Watched symbols on the dashboard', () => {
  let server: TestServer;
  let browser: Awaited<ReturnType<typeof launchBrowser>>;

  beforeAll(async () => {
    [server, browser] = await Promise.all([
      startTestServer({ jobs: true, env: { SANDBOX_MARKET: 'always' } }),
      launchBrowser(),
    ]);
    await setUp(createVisitor(server.origin));
    await importKnownSymbols(server.services);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  const priceIn = (page: Page) => page.locator('[data-symbol="NSE:INFY"] [data-price]').textContent();

  test('move with the market in every tab, over the one socket, and say when they are old', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${server.origin}/watchlist`);
    await page.getByLabel('Username').fill(PERSON.username);
    await page.getByLabel('Password', { exact: true }).fill(PERSON.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('Find a symbol').fill('infosys');
    await page.getByRole('button', { name: 'Search' }).click();
    await expectNoAxeViolations(page);
    await page.getByRole('button', { name: 'Watch NSE:INFY' }).click();
    await page.getByText('The symbol is on your dashboard.').waitFor();
    await expectNoAxeViolations(page);

    await page.goto(`${server.origin}/broker`);
    await page
      .getByRole('button', { name: /^Connect/ })
      .first()
      .click();
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.waitForURL(/\/broker/);
    await page.goto(`${server.origin}/dashboard`);
    await expect.poll(() => priceIn(page), { timeout: 20_000 }).toMatch(/^[\d,]+\.\d\d$/);
    const second = await context.newPage();
    await second.goto(`${server.origin}/dashboard`);
    const seen = new Set<string | null>();
    await expect
      .poll(
        async () => {
          seen.add(await priceIn(second));
          return seen.size;
        },
        { timeout: 30_000 },
      )
      .toBeGreaterThan(2);
    await expect
      .poll(async () => (await page.locator('.sparkline polyline').getAttribute('points'))?.split(' ').length)
      .toBeGreaterThan(2);
    await page.bringToFront();
    await expectNoAxeViolations(page);
    expect(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await page.setViewportSize({ width: 360, height: 800 });
    expect(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);

    const { db } = server.infrastructure.database;
    const { id } = await db.selectFrom('users').select('id').executeTakeFirstOrThrow();
    await server.services.brokers.reader.accessToken(id, 'sandbox');
    await db
      .updateTable('broker_tokens')
      .set({ is_revoked: 1, revoked_at: 1, revoke_reason: 'rejected' })
      .execute();
    await page.getByText('may be old').waitFor({ timeout: 15_000 });
  });
});
