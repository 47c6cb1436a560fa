import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN, notebookAt, openProxiedDesk, type ProxiedDesk } from '../gateway/proxies/proxied-desk.ts';
import type { RealProxy } from '../gateway/proxies/real-proxies.ts';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';

/** A day for each proxy: the clock never goes back. */
const CUTOFFS = {
  nginx: '2026-11-24T03:00:00+05:30',
  Caddy: '2026-11-25T03:00:00+05:30',
  HAProxy: '2026-11-26T03:00:00+05:30',
} as const;

let desk: ProxiedDesk;
let clock: SettableClock;
let browser: Browser;

beforeAll(async () => {
  clock = createSettableClock('2026-11-23T10:00:00+05:30');
  [desk, browser] = await Promise.all([
    openProxiedDesk({ clock, hostname: 'curfew.desk.test', env: { COOKIE_DOMAIN: 'desk.test' } }),
    launchBrowser(),
  ]);
});
afterAll(async () => {
  await browser.close();
  await desk.close();
});

const addressOf = (proxy: RealProxy, path: string): string => `http://${notebookAt(proxy)}${path}`;
const atSignIn = /^http:\/\/curfew\.desk\.test:\d+\/auth\/login\?/;

async function signIn(page: Page): Promise<void> {
  await page.getByLabel('Username').fill(ADMIN.username);
  await page.getByLabel('Password', { exact: true }).fill(ADMIN.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** What the tool's page shows once its fetch, its socket and its event stream have brought something. */
async function works(page: Page): Promise<void> {
  await page.getByText(ADMIN.username).waitFor();
  await page.getByText('echo of hello').waitFor();
  await page.getByText(/^tick \d+$/).waitFor();
}

const fetched = (page: Page): Promise<{ status: number; body: Record<string, unknown> }> =>
  page.evaluate(
    "fetch('/data').then(async (answer) => ({ status: answer.status, body: await answer.json() }))",
  );

describe.each(['nginx', 'Caddy', 'HAProxy'] as const)('A tool behind %s', (name) => {
  let proxy: RealProxy;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    const found = desk.proxies.find((each) => each.name === name);
    if (found === undefined) throw new Error(`${name} does not run`);
    proxy = found;
    context = await browser.newContext();
    page = await context.newPage();
  });
  afterAll(() => context.close());

  test('leads to the sign-in page and back to the very page that was opened, which works', async () => {
    const address = addressOf(proxy, '/lab/tree/a%2Fb?reset=1&x=%20');
    await page.goto(address);
    expect(page.url()).toMatch(atSignIn);
    expect(page.url()).toContain('reason=login_required');
    await signIn(page);
    await page.waitForURL(address);
    await works(page);
  });

  test('needs no other sign-in than any other tool of the domain', async () => {
    for (const other of desk.proxies) {
      const tool = await context.newPage();
      await tool.goto(addressOf(other, '/other'));
      await works(tool);
      await tool.close();
    }
  });

  test('is closed at the cutoff: a script is told, the next page is the sign-in page with the reason', async () => {
    clock.set(CUTOFFS[name]);
    const { status, body } = await fetched(page);
    expect(status).toBe(401);
    expect(body).toMatchObject({ status: 'error', error: 'session_expired' });

    const address = addressOf(proxy, '/next');
    await page.goto(address);
    expect(page.url()).toMatch(atSignIn);
    expect(page.url()).toContain('reason=cutoff');
    await page
      .getByText(/daily cutoff|03:00/i)
      .first()
      .waitFor();
    await expectNoAxeViolations(page);
    await signIn(page);
    await page.waitForURL(address);
    await works(page);
  });

  test('is closed by signing out, with the next request', async () => {
    const curfew = await context.newPage();
    await curfew.goto(`${desk.curfew.origin}/auth/logout`);
    await curfew
      .getByRole('main')
      .getByRole('button', { name: /sign out|log out/i })
      .first()
      .click();
    await curfew.waitForURL(/reason=logged_out/);
    expect((await fetched(page)).status).toBe(401);
    await page.reload();
    expect(page.url()).toMatch(atSignIn);
    await eventually(() => expect(desk.tool.countOpen()).toBe(0));
  });
});
