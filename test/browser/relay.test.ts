import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RecordingTool, startRecordingTool } from '../gateway/proxies/recording-tool.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { createRulesFile, type RulesFile } from '../support/rules-file.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { PERSON } from '../support/visitor.ts';

/** What the page of the tool knows of its socket's end. */
const CLOSING = `new Promise((resolve) => {
  socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason, at: Date.now() }));
})`;

describe('A tool that is relayed, in a browser', () => {
  let rules: RulesFile;
  let tool: RecordingTool;
  let server: TestServer;
  let clock: SettableClock;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let address: string;

  beforeAll(async () => {
    rules = createRulesFile();
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    [tool, browser] = await Promise.all([startRecordingTool(), launchBrowser()]);
    server = await startTestServer({
      clock,
      hostname: 'curfew.desk.test',
      env: { GATEWAY_RULES: rules.path, COOKIE_DOMAIN: 'desk.test', SESSION_IDLE_TIMEOUT: 'off' },
      jobs: true,
    });
    const host = `notebook.desk.test:${server.config.port}`;
    const upstream = `http://127.0.0.1:${tool.ports[0]}`;
    rules.write(`rules:\n  - { name: notebook, host: '${host}', who: signed-in, upstream: '${upstream}' }\n`);
    await server.services.gateway.rules.reload();
    await server.services.accounts.userAdmin.create({ ...PERSON, role: 'admin' }, { actor: 'test' });
    context = await browser.newContext();
    page = await context.newPage();
    address = `http://${host}/lab/tree/a%2Fb?reset=1`;
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
    await tool.close();
    rules.remove();
  });

  async function signIn(): Promise<void> {
    await page.getByLabel('Username').fill(PERSON.username);
    await page.getByLabel('Password', { exact: true }).fill(PERSON.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(address);
    await page.getByText(PERSON.username).waitFor();
    await page.getByText('echo of hello').waitFor();
    await page.getByText(/^tick \d+$/).waitFor();
  }

  test('leads to the sign-in page and back, and works', async () => {
    await page.goto(address);
    expect(page.url()).toContain('/auth/login?reason=login_required');
    await signIn();
    expect(tool.requests.map(({ url }) => url)).toContain('/lab/tree/a%2Fb?reset=1');
    expect(tool.requests.some(({ header }) => header('cookie')?.includes('curfew'))).toBe(false);
  });

  test('loses its socket and its stream within a second of the cutoff, and leads back to the sign-in page', async () => {
    const closing = page.evaluate(CLOSING) as Promise<{ code: number; reason: string; at: number }>;
    const at = Date.now();
    clock.set('2026-11-24T03:00:00+05:30');
    const closed = await closing;
    expect(closed).toMatchObject({ code: 4401, reason: 'cutoff' });
    // The clock is looked at once a second.
    expect(closed.at - at).toBeLessThan(1500);
    await expect.poll(tool.countOpen).toBe(0);
    await page.goto(address);
    expect(page.url()).toContain('reason=cutoff');
    await signIn();
  });

  test('loses them when its user signs out in another tab', async () => {
    const closing = page.evaluate(CLOSING) as Promise<{ code: number; reason: string; at: number }>;
    const curfew = await context.newPage();
    await curfew.goto(`${server.origin}/auth/logout`);
    await curfew
      .getByRole('main')
      .getByRole('button', { name: /sign out|log out/i })
      .first()
      .click();
    expect(await closing).toMatchObject({ code: 4401, reason: 'logged_out' });
    await expect.poll(tool.countOpen).toBe(0);
  });
});
