import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { MINUTE_MS, SECOND_MS } from '../../src/core/duration.ts';
import { toIstIso } from '../../src/core/ist.ts';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, PERSON, setUp, signIn } from '../support/visitor.ts';

/** What a person is promised. */
const NOTICED_WITHIN_MS = 10 * SECOND_MS;
/** A second is promised; the machine of a test has other things to do. */
const AT_ONCE_MS = 3 * SECOND_MS;

/** How a server is away: it refuses connections, or takes them and says nothing. */
const AWAY = ['refuses', 'hangs'] as const;

describe('An open page, when the server or the session changes', () => {
  let server: TestServer;
  let browser: Browser;
  let context: BrowserContext;

  beforeAll(async () => {
    [server, browser] = await Promise.all([startTestServer({ jobs: true }), launchBrowser()]);
    const visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    await connectSandbox(visitor);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });
  beforeEach(async () => {
    context = await browser.newContext();
    return () => context.close();
  });

  async function fillIn(page: Page): Promise<void> {
    await page.getByLabel('Username').fill(PERSON.username);
    await page.getByLabel('Password', { exact: true }).fill(PERSON.password);
  }

  async function open(path: string): Promise<Page> {
    const page = await context.newPage();
    await page.goto(`${server.origin}/auth/login?returnTo=${path}`);
    await fillIn(page);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(server.origin + path);
    return page;
  }

  /** The cutoff so many minutes from now, at a full minute; its time of day. */
  function setCutoff(minutes: number): string {
    const time = toIstIso(systemClock.now() + minutes * MINUTE_MS).slice(11, 16);
    const [hour = 0, minute = 0] = time.split(':').map(Number);
    server.infrastructure.policy.replace({
      ...server.infrastructure.policy.current(),
      cutoffTime: { hour, minute },
    });
    return time;
  }

  async function takeAway(page: Page, how: (typeof AWAY)[number]): Promise<() => Promise<void>> {
    await page.route('**/*', (route) =>
      how === 'refuses' ? route.abort('connectionrefused') : new Promise(() => undefined),
    );
    return () => page.unroute('**/*');
  }

  async function msUntil(work: Promise<unknown>): Promise<number> {
    const startedAt = performance.now();
    await work;
    return performance.now() - startedAt;
  }

  test('a live change of the cutoff reaches the countdown, the header and “Connected until”, each time', async () => {
    const page = await open('/dashboard');
    for (const minutes of [120, 180, 90]) {
      const time = setCutoff(minutes);
      const end = page.locator('[data-broker-end]', { hasText: `${time}:00 IST` });
      expect(await msUntil(end.waitFor()), `${minutes} min`).toBeLessThan(NOTICED_WITHIN_MS);
      await page.locator('[data-cutoff-time]', { hasText: `${time}:00 IST` }).waitFor();
      await page.locator('.rail-ends', { hasText: `Cutoff ${time} IST` }).waitFor();
    }
    await expectNoAxeViolations(page);
    setCutoff(600);
  });

  test.each(AWAY)('a server that %s is said on a page with a countdown, which recovers', async (how) => {
    const page = await open('/settings');
    const strip = page.locator('[data-session-strip]');
    const lost = strip.getByText('The server does not answer at the moment', { exact: false });
    const comeBack = await takeAway(page, how);
    expect(await msUntil(lost.waitFor())).toBeLessThan(NOTICED_WITHIN_MS);
    await expectNoAxeViolations(page);
    await comeBack();
    expect(await msUntil(lost.waitFor({ state: 'hidden' }))).toBeLessThan(NOTICED_WITHIN_MS);
  });

  test('it is also said in the last minutes before the cutoff', async () => {
    const page = await open('/settings');
    const time = setCutoff(4);
    const strip = page.locator('[data-session-strip]');
    await strip.getByText(`at ${time}`, { exact: false }).waitFor();
    const lost = strip.getByText('The server does not answer at the moment', { exact: false });
    const comeBack = await takeAway(page, 'refuses');
    expect(await msUntil(lost.waitFor())).toBeLessThan(NOTICED_WITHIN_MS);
    expect(await strip.textContent()).toContain(time);
    await comeBack();
    await lost.waitFor({ state: 'hidden' });
    setCutoff(600);
  });

  test.each(AWAY)('a server that %s is said on the page of an import, which recovers', async (how) => {
    const origin = { actor: PERSON.username };
    const begun = await server.services.symbols.importer.begin({
      fileName: 'a.csv',
      broker: undefined,
      origin,
    });
    if (begun.kind === 'busy') throw new Error('busy');
    const page = await open(`/symbols/imports/${begun.started.id}`);
    const progress = page.locator('[data-import-text]');
    const lost = progress.getByText('The server does not answer. Trying again.');
    const comeBack = await takeAway(page, how);
    expect(await msUntil(lost.waitFor())).toBeLessThan(NOTICED_WITHIN_MS);
    await comeBack();
    expect(await msUntil(lost.waitFor({ state: 'hidden' }))).toBeLessThan(NOTICED_WITHIN_MS);
    await begun.started.giveUp('failed', 'Enough of it.');
    await page.getByText('Enough of it.').waitFor();
  });

  test('a tab leaves within a second of “End session” on another device', async () => {
    const page = await open('/settings');
    const other = await browser.newContext();
    const elsewhere = await other.newPage();
    await elsewhere.goto(`${server.origin}/auth/login?returnTo=/sessions`);
    await fillIn(elsewhere);
    await elsewhere.getByRole('button', { name: 'Sign in' }).click();
    await elsewhere.waitForURL(`${server.origin}/sessions`);
    const left = page.waitForURL(/\/auth\/login\?reason=revoked&returnTo=%2Fsettings/);
    await elsewhere.getByRole('button', { name: /^End all other sessions/ }).click();
    expect(await msUntil(left)).toBeLessThan(AT_ONCE_MS);
    await page.getByText('was ended', { exact: false }).first().waitFor();
    await other.close();
  });

  test('after signing out in one tab the other says that, and not that a page wants a sign-in', async () => {
    const [first, second] = [await open('/dashboard'), await context.newPage()];
    await second.goto(`${server.origin}/settings`);
    const left = second.waitForURL(/\/auth\/login\?/);
    await first.getByRole('button', { name: 'Sign out' }).click();
    expect(await msUntil(left)).toBeLessThan(AT_ONCE_MS);
    await second.getByText('You are signed out.').waitFor();
    expect(await second.getByText('Sign in to see that page').count()).toBe(0);
  });

  test('a tab that hears of it only when the other has a new cookie says the same', async () => {
    const page = await open('/settings');
    await page.waitForTimeout(SECOND_MS);
    await context.clearCookies();
    const left = page.waitForURL(/reason=logged_out&returnTo=%2Fsettings/);
    expect(await msUntil(left)).toBeLessThan(NOTICED_WITHIN_MS);
    await page.getByText('You are signed out.').waitFor();
  });

  test('a second sign-in form in another tab leads on when the first one has signed in', async () => {
    const [first, second] = [await context.newPage(), await context.newPage()];
    for (const page of [first, second]) {
      await page.goto(`${server.origin}/auth/login?returnTo=/sessions`);
      await fillIn(page);
    }
    await first.getByRole('button', { name: 'Sign in' }).click();
    await first.waitForURL(`${server.origin}/sessions`);
    const answer = second.waitForResponse(
      (response) => response.request().method() === 'POST' && response.url().includes('/auth/login'),
    );
    await second.getByRole('button', { name: 'Sign in' }).click();
    expect((await answer).status()).toBe(303);
    await second.waitForURL(`${server.origin}/sessions`);
  });
});
