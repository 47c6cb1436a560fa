import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importKnownSymbols } from '../strategies/known-symbols.ts';
import { makeStrategy, send } from '../strategies/trader.ts';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { createRulesFile, type RulesFile } from '../support/rules-file.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, PERSON, setUp, signIn } from '../support/visitor.ts';

const PAGES = [
  ['/', '/api', '/dashboard', '/broker', '/symbols?q=nifty', '/symbols/imports', '/strategies'],
  ['/strategies/new', 'strategy', '/sessions', '/settings', '/api-keys', '/api-keys/everybody', '/telegram'],
  ['/profile', '/users', '/security/receipts', '/security/load', '/security/thresholds', '/broker/logouts'],
  [
    '/security/gateway?url=http://tool.desk.test/orders&user=asha',
    '/gateway/return?to=http://tool.desk.test/app',
  ],
] as const;

/** With names as long as they may be. */
const GATEWAY_RULES = `rules:
  - { name: Health checks of all the tools of the desk and of its notebooks, host: tool.desk.test, path: /health, who: public, methods: [GET, HEAD] }
  - { name: Orders, host: tool.desk.test, path: /orders, who: { roles: [admin, user], people: [ravi, meera] }, fresh: 10, activity: false }
  - { name: Tool, host: tool.desk.test, who: signed-in }
`;

/** The left edges of the links of the main menu. */
const EDGES =
  "[...document.querySelectorAll('.site-nav a')].map((link) => Math.round(link.getBoundingClientRect().left))";

/** Inputs and buttons that stand in one row, and are not equally high. */
const UNEQUAL = `[...document.querySelectorAll('.search, .filters, .field-input')].flatMap((row) => {
  const heights = [...row.querySelectorAll(':scope > .field > input, :scope > .field > select, :scope > input, :scope > .button')]
    .filter((each) => each.checkVisibility()).map((each) => Math.round(each.getBoundingClientRect().height));
  return new Set(heights).size > 1 ? [row.className + ': ' + heights.join(', ')] : [];
})`;

/** Rows of lists, in pixels, from 600 px up: one line each. */
const ROW_HEIGHTS =
  "[...document.querySelectorAll('.list tbody tr:not(.list-detail, .list-problem)')].map((row) => Math.round(row.getBoundingClientRect().height))";

describe('Every page', () => {
  let server: TestServer;
  let browser: Browser;
  let rules: RulesFile;
  let strategy: string;

  beforeAll(async () => {
    rules = createRulesFile(GATEWAY_RULES);
    [server, browser] = await Promise.all([
      startTestServer({ env: { GATEWAY_RULES: rules.path } }),
      launchBrowser(),
    ]);
    const visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    await connectSandbox(visitor);
    await importKnownSymbols(server.services);
    const { path, webhook } = await makeStrategy(visitor);
    strategy = path;
    await send(webhook, 'BUY NSE:SBIN 4');
    await send(webhook, 'BUY NSE:INFY');
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
    rules.remove();
  });

  async function openSignedIn(width: number): Promise<Page> {
    const context = await browser.newContext({ viewport: { width, height: 900 } });
    // The page that leads to a tool stays: there is none.
    await context.route('http://tool.desk.test/**', (route) => route.fulfill({ status: 204 }));
    const page = await context.newPage();
    await page.goto(`${server.origin}/auth/login`);
    await page.getByLabel('Username').fill(PERSON.username);
    await page.getByLabel('Password', { exact: true }).fill(PERSON.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(`${server.origin}/dashboard`);
    return page;
  }

  test.each([1280, 600, 390])(
    'is accessible, fits and keeps its rows low at a width of %d',
    async (width) => {
      const page = await openSignedIn(width);
      const edges = new Set<string>();
      for (const path of PAGES.flat()) {
        const answer = await page.goto(server.origin + (path === 'strategy' ? strategy : path));
        expect(answer?.status(), path).toBe(200);
        await expectNoAxeViolations(page);
        expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), path).toBe(true);
        expect(await page.evaluate(UNEQUAL), path).toEqual([]);
        const heights = await page.evaluate<number[]>(ROW_HEIGHTS);
        if (width >= 600) for (const height of heights) expect(height, path).toBeLessThanOrEqual(46);
        edges.add((await page.evaluate<number[]>(EDGES)).join(' '));
      }
      // No link of the menu moves when another one becomes the bold one, or a page has a scrollbar.
      if (width === 1280) expect([...edges]).toHaveLength(1);
      await page.context().close();
    },
    240_000,
  );
});
