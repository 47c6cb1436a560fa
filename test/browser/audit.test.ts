import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, PERSON, setUp, signIn } from '../support/visitor.ts';

const PLACES = [
  ['on a phone, dark', { viewport: { width: 390, height: 844 }, colorScheme: 'dark' }],
  ['on a desk, light', { viewport: { width: 1280, height: 900 }, colorScheme: 'light' }],
] as const;

describe.each(PLACES)('the audit log in a browser %s', (_name, options) => {
  let browser: Browser;
  let page: Page;
  let server: TestServer;
  const complaints: string[] = [];

  beforeAll(async () => {
    [server, browser] = await Promise.all([startTestServer(), launchBrowser()]);
    const visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    await connectSandbox(visitor);
    await visitor.submit('/auth/logout', { everywhere: 'yes' }, '/dashboard');
    await server.services.auditLog.keeper.runIfDue();
    await server.services.audit.recordMany(
      Array.from(
        { length: 60 },
        (_, each) => ({ type: 'login.failed', username: `guess${each}`, why: 'credentials' }) as const,
      ),
      { actor: 'anonymous', address: '203.0.113.9', requestId: 'a-rather-long-request-id-0123456789' },
    );
    const context = await browser.newContext(options);
    page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(at('/auth/login?returnTo=/security/audit'));
    await page.getByLabel('Username').fill(PERSON.username);
    await page.getByLabel('Password', { exact: true }).fill(PERSON.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(at('/security/audit'));
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  const at = (path: string): string => server.origin + path;
  async function expectGoodPage(): Promise<void> {
    await expectNoAxeViolations(page);
    expect(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  }

  test('is read, with details on demand by keyboard', async () => {
    await expectGoodPage();
    await page.getByText('Failed attempt to sign in as guess59').first().waitFor();
    const details = page.locator('.list summary').first();
    await details.focus();
    await page.keyboard.press('Enter');
    await expectGoodPage();
    expect(await page.locator('.event-facts').first().isVisible()).toBe(true);
  });

  test('is searched and paged', async () => {
    await page.getByLabel('Words').fill('guess');
    await page.getByLabel('Kind').selectOption({ label: 'Signing in' });
    await page.getByRole('button', { name: 'Search' }).click();
    await page.waitForURL(/q=guess/);
    await page.getByRole('link', { name: 'Older' }).click();
    await page.getByText('Failed attempt to sign in as guess0:').first().waitFor();
    await expectGoodPage();
    await page.getByText('More filters').click();
    await page.getByLabel('Done by').fill('nobody-at-all');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText('No event fits this search.').waitFor();
    await expectGoodPage();
  });

  test('is taken out as a file that ends with the head', async () => {
    await page.goto(at('/security/audit'));
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Export JSON Lines' }).click(),
    ]);
    const lines = readFileSync(await download.path(), 'utf8')
      .trimEnd()
      .split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ complete: true, rows: lines.length - 1 });
  });

  test('leads to the receipts, and one of them is read step by step', async () => {
    await page.goto(at('/security/receipts'));
    await expectGoodPage();
    await page.getByLabel('Why').selectOption({ label: 'Signed out everywhere' });
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('link', { name: /^asha/ }).click();
    await page.getByRole('heading', { name: 'Step by step' }).waitFor();
    await page.getByText('Practice broker asked, no answer yet').waitFor();
    await expectGoodPage();
    expect(complaints).toEqual([]);
  });
});
