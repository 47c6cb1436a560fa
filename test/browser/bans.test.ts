import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp } from '../support/visitor.ts';

const STRANGER = '203.0.113.9';

describe('bans, in a browser on a phone', () => {
  let browser: Browser;
  let page: Page;
  let server: TestServer;
  const complaints: string[] = [];

  beforeAll(async () => {
    [server, browser] = await Promise.all([
      startTestServer({ env: { TRUST_PROXY: '127.0.0.1' } }),
      launchBrowser(),
    ]);
    await setUp(createVisitor(server.origin));
    const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
    page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of 400/.test(message.text()))
        complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(at('/auth/login?returnTo=/dashboard'));
    await page.getByLabel('Username').fill(PERSON.username);
    await page.getByLabel('Password', { exact: true }).fill(PERSON.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(at('/dashboard'));
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  const at = (path: string): string => server.origin + path;
  const mainText = async () => (await page.getByRole('main').textContent()) ?? '';
  const statusFor = async (address: string) =>
    (await fetch(at('/auth/login'), { headers: { 'X-Forwarded-For': address } })).status;
  async function expectGoodPage(): Promise<void> {
    await expectNoAxeViolations(page);
    expect(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  }

  test('the menu leads there, and an address is banned in two steps by keyboard', async () => {
    await page.getByRole('button', { name: 'Menu' }).click();
    await page.getByRole('link', { name: 'Security' }).click();
    await page.getByRole('button', { name: 'Security pages' }).click();
    await page.getByRole('navigation', { name: 'Security' }).getByRole('link', { name: 'Bans' }).click();
    await expectGoodPage();
    expect(await mainText()).toContain('No address is banned');
    await page.getByRole('link', { name: 'Ban an address' }).first().click();
    await expectGoodPage();
    await page.getByLabel('Address').fill('127.0.0.1');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await expectGoodPage();
    await page.getByLabel('Address').fill(STRANGER);
    await page.getByLabel('How long').selectOption('permanent');
    await page.getByLabel('Reason').fill('Noise');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: `Ban ${STRANGER}?` }).waitFor();
    await expectGoodPage();
    expect(await statusFor(STRANGER)).toBe(200);

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Export CSV' }).click(),
    ]);
    expect(readFileSync(await download.path(), 'utf8')).toMatch(/^address,until,/);
    await page.getByRole('button', { name: 'Ban it' }).click();
    await page.getByRole('status').getByText('The address is banned').waitFor();
    expect(await statusFor(STRANGER)).toBe(403);
    await expectGoodPage();
  });

  test('a file is imported', async () => {
    await page.getByRole('link', { name: 'Import', exact: true }).click();
    await expectGoodPage();
    const content = Buffer.from('203.0.113.10\n203.0.113.11\nnothing\n');
    await page
      .getByLabel('File', { exact: true })
      .setInputFiles({ name: 'bans.csv', mimeType: 'text/csv', buffer: content });
    await page.getByRole('button', { name: 'Import' }).click();
    await page.getByRole('heading', { name: 'Bans imported' }).waitFor();
    await expectGoodPage();
    expect(await mainText()).toContain('2 addresses are banned now.');
    await page.getByRole('link', { name: 'To the bans' }).click();
  });

  test('a ban is found and lifted', async () => {
    await page.getByLabel('Address or note').fill('noise');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText('1 to 1 of 1').waitFor();
    await page.getByRole('link', { name: `Lift the ban of ${STRANGER}` }).click();
    await expectGoodPage();
    await page.getByRole('button', { name: 'Lift the ban' }).click();
    await page.getByRole('status').getByText('The ban is lifted').waitFor();
    expect(await statusFor(STRANGER)).toBe(200);
  });

  test('an address is put on the allowlist and taken off', async () => {
    await page.getByRole('button', { name: /Security pages/ }).click();
    await page.getByRole('link', { name: 'Allowlist' }).click();
    await expectGoodPage();
    await page.getByLabel('Address or block').fill('203.0.113.0/28');
    await page.getByLabel('Whose it is').fill('Office');
    await page.getByRole('button', { name: 'Add to the allowlist' }).click();
    await page.getByRole('status').getByText('Added: the address is never banned automatically.').waitFor();
    await expectGoodPage();
    await page.getByRole('link', { name: 'Remove 203.0.113.0/28' }).click();
    await expectGoodPage();
    await page.getByRole('button', { name: 'Remove it' }).click();
    await page.getByText('The allowlist is empty').waitFor();
  });

  test('thresholds are changed, and what is wrong is said at the field', async () => {
    await page.getByRole('button', { name: /Security pages/ }).click();
    await page.getByRole('link', { name: 'Thresholds' }).click();
    await expectGoodPage();
    await page.getByLabel('After', { exact: true }).first().fill('0');
    await page.getByRole('button', { name: 'Save ban thresholds' }).click();
    await page.getByRole('alert').waitFor();
    await expectGoodPage();
    await page.getByLabel('After', { exact: true }).first().fill('5');
    await page.getByRole('button', { name: 'Save ban thresholds' }).click();
    await page.getByRole('status').getByText('Saved').waitFor();
    expect(await page.getByLabel('After', { exact: true }).first().inputValue()).toBe('5');
    expect(complaints).toEqual([]);
  });
});
