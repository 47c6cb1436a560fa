import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { launchBrowser } from '../support/browser.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn } from '../support/visitor.ts';

const ORIGIN = { actor: 'test' };
const SECOND = 1_000;

describe('Pages that are open when something happens', () => {
  let server: TestServer;
  let browser: Awaited<ReturnType<typeof launchBrowser>>;
  let context: BrowserContext;
  let userId: string;

  beforeAll(async () => {
    [server, browser] = await Promise.all([startTestServer({ jobs: true }), launchBrowser()]);
    await setUp(createVisitor(server.origin));
    const { db } = server.infrastructure.database;
    ({ id: userId } = await db.selectFrom('users').select('id').executeTakeFirstOrThrow());
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });
  beforeEach(async () => {
    context = await browser.newContext();
    return () => context.close();
  });

  async function signInHere(page: Page, path: string): Promise<void> {
    await page.goto(`${server.origin}${path}`);
    await page.getByLabel('Username').fill(PERSON.username);
    await page.getByLabel('Password', { exact: true }).fill(PERSON.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(`${server.origin}${path}`);
  }

  const sockets = () => [...server.services.sockets.of(userId)].length;

  test('three tabs are at the sign-in page within a second of the end, over one socket', async () => {
    const tabs = [await context.newPage(), await context.newPage(), await context.newPage()] as const;
    await signInHere(tabs[0], '/dashboard');
    await tabs[1].goto(`${server.origin}/settings`);
    await tabs[2].goto(`${server.origin}/sessions`);
    await expect.poll(sockets).toBe(1);
    await Promise.all(tabs.map((tab) => tab.waitForLoadState('load')));
    const left = Promise.all(
      tabs.map(async (tab) => {
        await tab.waitForURL(/\/auth\/login\?reason=revoked/);
        return performance.now();
      }),
    );
    const endedAt = performance.now();
    await server.services.revocation.revoker.revokeAccount(userId, 'ended_by_admin', ORIGIN);
    for (const at of await left) expect(at - endedAt).toBeLessThan(3 * SECOND);
    expect(tabs[1].url()).toContain('returnTo=%2Fsettings');
  });

  test('the next tab takes the socket over when the first is closed', async () => {
    const [first, second] = [await context.newPage(), await context.newPage()];
    await signInHere(first, '/dashboard');
    await second.goto(`${server.origin}/settings`);
    await expect.poll(sockets).toBe(1);
    await first.close();
    await expect.poll(sockets, { timeout: 5_000 }).toBe(1);
    await server.services.revocation.revoker.revokeAccount(userId, 'ended_by_admin', ORIGIN);
    await second.waitForURL(/\/auth\/login\?reason=revoked/);
  });

  test('what happens to the account is said in every tab, and can be dismissed', async () => {
    const [first, second] = [await context.newPage(), await context.newPage()];
    await signInHere(first, '/dashboard');
    await second.goto(`${server.origin}/settings`);
    await expect.poll(sockets).toBe(1);
    await server.services.feed.events.tell(userId, { event: 'broker_rejected', broker: 'zerodha' });
    const words = 'Zerodha rejected its token';
    await first.getByText(words).waitFor();
    await second.getByText(words).waitFor();
    await expectNoAxeViolations(first);
    await first.getByRole('button', { name: 'Dismiss' }).click();
    expect(await first.getByText(words).count()).toBe(0);

    await signIn(createVisitor(server.origin));
    await first.getByText(/New device signed in/).waitFor();
  });

  test('the header counts down on every page', async () => {
    const page = await context.newPage();
    await signInHere(page, '/settings');
    const countdown = page.locator('[data-header-countdown]');
    await countdown.filter({ hasText: /^Ends in (\d+ h )?\d+ min$|^Ends in \d:\d\d$/ }).waitFor();
    await expectNoAxeViolations(page);
    await countdown.click();
    await page.waitForURL(/\/dashboard#what-ends/);
    expect(await page.locator('#what-ends').count()).toBe(1);
  });

  test('typed text is offered to the same person after signing in again, and a secret is not kept', async () => {
    const page = await context.newPage();
    await signInHere(page, '/broker/zerodha/credentials');
    const inputs = page.locator('main form input:visible');
    await inputs.first().fill('my-app-key');
    await page.locator('main input[type=password]').first().fill('my-app-secret');
    await expect.poll(sockets).toBe(1);
    await server.services.revocation.revoker.revokeAccount(userId, 'ended_by_admin', ORIGIN);
    await page.waitForURL(/\/auth\/login/);
    const kept = await page.evaluate('JSON.stringify(sessionStorage)');
    expect(kept).toContain('my-app-key');
    expect(kept).not.toContain('my-app-secret');
    await page.getByLabel('Username').fill(PERSON.username);
    await page.getByLabel('Password', { exact: true }).fill(PERSON.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(`${server.origin}/broker/zerodha/credentials`);
    expect(await inputs.first().inputValue()).toBe('');
    await expectNoAxeViolations(page);
    await page.getByRole('button', { name: 'Put it back' }).click();
    expect(await inputs.first().inputValue()).toBe('my-app-key');
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  });

  test('without scripts the answer asks for the page again at the cutoff', async () => {
    const visitor = createVisitor(server.origin);
    await signIn(visitor);
    const { calendar, clock } = server.infrastructure;
    const page = await visitor.get('/settings');
    const seconds = Number(page.headers['refresh']);
    const expected = (calendar.next() - clock.now()) / SECOND;
    expect(seconds).toBeGreaterThanOrEqual(expected);
    expect(seconds).toBeLessThan(expected + 10);
    expect((await visitor.get('/auth/login')).headers['refresh']).toBeUndefined();
  });
});
