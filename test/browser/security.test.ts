import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApp } from '../../src/app.ts';
import { systemClock } from '../../src/core/clock.ts';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { BUSY, fillHouse } from '../support/busy-house.ts';
import { listRoutes } from '../support/route-list.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn } from '../support/visitor.ts';

/** What an administrator can open, and what a search or a second page of it looks like. */
const PAGES = [
  '/security',
  '/security/audit',
  '/security/audit?kind=sign-ins',
  '/security/receipts',
  '/security/traffic',
  '/security/traffic?status=400-599',
  '/security/traffic?q=nothing&last=24h',
  '/security/load',
  '/security/sessions',
  '/security/sessions?q=person-1',
  '/security/sessions/revocation',
  '/users',
  '/users?q=person-19',
  '/users/new',
  '/users/invitations',
  '/security/bans',
  '/security/bans?q=100.0.1&page=3',
  '/security/bans/new',
  '/security/bans/import',
  '/security/allow-list',
  '/security/allow-list/removal?block=203.0.113.0%2F24',
  '/security/thresholds',
  '/security/csp-reports',
  '/security/revocations',
  '/security/gateway',
  '/security/settings',
] as const;

/** Files and what scripts ask for. */
const NO_PAGES = /\.(?:csv|json|jsonl)$|\/live$|\/tail$|export\./;

/**
 * Milliseconds of work for a page, its files and what its script asks for, the median of five: time on the processor and
 * not on the clock, or this would measure what else the machine does. SQLite works on the server's own thread.
 */
const ENOUGH = 200;

/** Somebody who reads it on a small phone needs no glasses for it. */
const SMALLEST_LETTERS = 8.5;

describe('the pages of security in a house of 100,000 requests and 10,000 bans', () => {
  let browser: Browser;
  let server: TestServer;
  const complaints: string[] = [];

  beforeAll(async () => {
    [server, browser] = await Promise.all([
      startTestServer({ env: { MAX_SESSIONS_PER_USER: '50', SECURITY_RATE_LIMIT: '10000/minute' } }),
      launchBrowser(),
    ]);
    await setUp(createVisitor(server.origin));
    await fillHouse(server.infrastructure.database, systemClock.now(), BUSY);
    await server.infrastructure.database.db
      .insertInto('trusted_addresses')
      .values({ block: '203.0.113.0/24', note: 'Office', added_by: 'asha', added_at: 0 })
      .execute();
    await server.services.bans.load();
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  const at = (path: string): string => server.origin + path;

  async function open(viewport: { width: number; height: number }): Promise<[BrowserContext, Page]> {
    const context = await browser.newContext({ viewport });
    const page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`${page.url()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`));
    await page.goto(at('/auth/login?returnTo=/security'));
    await page.getByLabel('Username').fill(PERSON.username);
    await page.getByLabel('Password', { exact: true }).fill(PERSON.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(at('/security'));
    return [context, page];
  }

  /** A page that asks takes as long as the machine lets it. */
  const patiently = <T>(look: () => T | Promise<T>) => expect.poll(look, { timeout: 20_000 });
  const fitsItsWidth = (page: Page) =>
    page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth');

  test('are all in the list of this test', () => {
    const known = new Set(PAGES.map((page) => page.split('?')[0]));
    const missing = listRoutes(createApp(server.services))
      .filter(({ path, methods }) => methods.includes('GET') && /^\/(?:security|users)(?:\/|$)/.test(path))
      .map(({ path }) => path)
      .filter((path) => !path.includes(':') && !NO_PAGES.test(path) && !known.has(path));
    expect(missing).toEqual([]);
  });

  test('are all there within a fifth of a second, and read well on a phone in light and dark', async () => {
    const [context, page] = await open({ width: 390, height: 844 });
    const slow: string[] = [];
    for (const path of PAGES) {
      const times: number[] = [];
      for (let round = 0; round < 5; round += 1) {
        const before = process.threadCpuUsage();
        const answer = await page.goto(at(path));
        expect(answer?.status(), path).toBe(200);
        const { user, system } = process.threadCpuUsage(before);
        times.push((user + system) / 1000);
      }
      const median = times.sort((a, b) => a - b)[2] ?? Number.POSITIVE_INFINITY;
      if (median >= ENOUGH) slow.push(`${path} takes ${Math.round(median)} ms`);
      expect(await fitsItsWidth(page), `${path} is wider than a phone`).toBe(true);
      await expectNoAxeViolations(page);
    }
    expect(slow).toEqual([]);
    await context.close();
  }, 240_000);

  test('are as good on a desk', async () => {
    const [context, page] = await open({ width: 1280, height: 900 });
    for (const path of PAGES.filter((each) => !each.includes('?'))) {
      await page.goto(at(path));
      expect(await fitsItsWidth(page), `${path} is too wide`).toBe(true);
      await expectNoAxeViolations(page);
    }
    await context.close();
  }, 240_000);

  test('the overview leads to everything that an administrator does', async () => {
    const [context, page] = await open({ width: 1280, height: 900 });
    for (const [link, heading] of [
      ['End all sessions', /all sessions/i],
      ['Ban an address', 'Ban an address'],
      ['30 days', 'Security'],
      ['Live sessions', /sessions/i],
      ['Banned addresses', 'Bans'],
    ] as const) {
      await page.goto(at('/security'));
      await page.getByRole('main').getByRole('link', { name: link, exact: true }).first().click();
      await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    }
    await context.close();
  });

  test.each([
    [390, 'light'],
    [390, 'dark'],
    [320, 'light'],
    [1280, 'light'],
  ] as const)('the letters of charts can be read at a width of %d, %s', async (width, colorScheme) => {
    const [context, page] = await open({ width, height: 844 });
    await page.emulateMedia({ colorScheme });
    const sizes = await page.evaluate<number[]>(
      `[...document.querySelectorAll('.drawing text')].map((text) =>
        parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)`,
    );
    expect(sizes.length).toBeGreaterThan(40);
    expect(Math.min(...sizes)).toBeGreaterThan(SMALLEST_LETTERS);
    expect(Math.max(...sizes)).toBeLessThan(16);
    // Nothing that is written under or beside an axis lies outside of its drawing or upon its neighbour.
    const outside = await page.evaluate<string[]>(
      `[...document.querySelectorAll('.drawing')].flatMap((drawing) => {
        const frame = drawing.getBoundingClientRect();
        const texts = [...drawing.querySelectorAll('text')].map((text) => [text.textContent, text.getBoundingClientRect()]);
        return texts.flatMap(([said, box], index) => [
          ...(box.left < frame.left - 1 || box.right > frame.right + 1 ? [said + ' is cut off'] : []),
          ...texts.slice(index + 1).filter(([, other]) => box.left < other.right && other.left < box.right
            && box.top < other.bottom - 2 && other.top < box.bottom - 2).map(([other]) => said + ' on ' + other),
        ]);
      })`,
    );
    expect(outside).toEqual([]);
    await context.close();
  });

  test('each chart has a name, a description, and its figures as a table', async () => {
    const [context, page] = await open({ width: 1280, height: 900 });
    const drawing = page.getByRole('img', { name: 'Sign-ins' }).first();
    await drawing.waitFor();
    expect(await drawing.locator('desc').textContent()).toContain('one for each hour from');
    const chart = page.getByRole('article', { name: 'Time to answer' }).first();
    await chart.locator('summary').click();
    expect(await chart.getByRole('row').count()).toBe(25);
    // The hour that is not over may have begun a moment ago.
    expect(await chart.getByRole('row').nth(1).textContent()).toMatch(/not over/);
    expect(await chart.getByRole('row').filter({ hasText: /\d ms/ }).count()).toBeGreaterThan(0);
    await expectNoAxeViolations(page);
    await context.close();
  });

  test('the overview follows what happens, keeps the focus, and rests while nobody looks', async () => {
    const [context, page] = await open({ width: 1280, height: 900 });
    await page.clock.install();
    await page.goto(at('/security'));
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/security/live')) asked.push(request.url());
    });
    const sessions = page.locator('#tile-sessions-value');
    const before = Number((await sessions.textContent())?.replace(/\D/g, ''));
    const summary = page.getByRole('article', { name: 'Sign-ins' }).first().locator('summary');
    await summary.click();
    await signIn(createVisitor(server.origin));
    const legend = page.locator('#sign-ins-by-hour-drawing .legend li').first();
    const legendBefore = await legend.textContent();
    const legendAfter = async (ms: number) => {
      await page.clock.runFor(ms);
      return legend.textContent();
    };

    await page.clock.runFor(11_000);
    await patiently(async () => Number((await sessions.textContent())?.replace(/\D/g, ''))).toBe(before + 1);
    expect(asked).toHaveLength(1);
    expect(await legend.textContent()).toBe(legendBefore);
    await patiently(() => legendAfter(10_000)).not.toBe(legendBefore);
    expect(asked.filter((url) => url.endsWith('?charts=1')).length).toBe(1);
    expect(await page.evaluate<boolean>("document.activeElement?.tagName === 'SUMMARY'")).toBe(true);
    expect(await page.evaluate<boolean>('document.activeElement.parentElement.open')).toBe(true);

    await page.evaluate(`Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'))`);
    const resting = asked.length;
    await page.clock.runFor(60_000);
    expect(asked.length).toBe(resting);
    await page.evaluate(`Object.defineProperty(document, 'visibilityState', { value: 'visible', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'))`);
    await page.clock.runFor(100);
    await patiently(() => asked.length).toBe(resting + 1);
    await context.close();
  });

  test('what needs attention is said to who cannot see it, once', async () => {
    const [context, page] = await open({ width: 390, height: 844 });
    await page.clock.install();
    await page.goto(at('/security'));
    const { db } = server.infrastructure.database;
    await db.updateTable('audit_checks').set({ problem: 'Row 7 does not fit the row before it.' }).execute();
    const spokenAfter = async (ms: number) => {
      await page.clock.runFor(ms);
      return page.locator('[data-live-spoken]').textContent();
    };
    await patiently(() => spokenAfter(10_000)).toContain('Row 7 does not fit');
    await page.getByRole('heading', { name: 'Needs your attention' }).waitFor();
    await expectNoAxeViolations(page);
    await db.updateTable('audit_checks').set({ problem: null }).execute();
    await patiently(() => spokenAfter(10_000)).toBe('Nothing needs your attention.');
    await context.close();
  });

  test('no browser complained', () => {
    expect(complaints).toEqual([]);
  });
});
