import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp } from '../support/visitor.ts';
import { sampleMasterText } from '../symbols/sample-master.ts';

const PHONE = { width: 375, height: 800 };

/** The pages of symbols, one after the other, on a phone: with scripts, and without. */
describe.each([
  ['with scripts', true],
  ['without scripts', false],
])('importing and searching symbols, %s', (_name, javaScriptEnabled) => {
  let server: TestServer;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let folder: string;
  const complaints: string[] = [];

  beforeAll(async () => {
    server = await startTestServer();
    await setUp(createVisitor(server.origin));
    folder = mkdtempSync(join(tmpdir(), 'curfew-browser-symbols-'));
    browser = await launchBrowser();
    context = await browser.newContext({ viewport: PHONE, javaScriptEnabled });
    page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(at('/auth/login?returnTo=/symbols'));
    await page.getByLabel('Username').fill(PERSON.username);
    await page.getByLabel('Password', { exact: true }).fill(PERSON.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(at('/symbols'));
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
    rmSync(folder, { recursive: true });
  });

  const at = (path: string): string => server.origin + path;
  const mainText = async () => (await page.getByRole('main').textContent()) ?? '';

  /** axe and measuring run in the page, and are scripts themselves. */
  async function expectGoodPage(): Promise<void> {
    if (!javaScriptEnabled) return;
    await expectNoAxeViolations(page);
    expect(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  }

  async function importFile(name: string, text: string): Promise<void> {
    writeFileSync(join(folder, name), text);
    await page.goto(at('/symbols/imports'));
    await page.getByLabel('File', { exact: true }).setInputFiles(join(folder, name));
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    await page.waitForURL(/\/symbols\/imports\/.+/);
  }

  test('the empty page leads an administrator to the import', async () => {
    await expectGoodPage();
    await page.getByRole('link', { name: 'Import symbols' }).click();
    await page.waitForURL(at('/symbols/imports'));
    await expectGoodPage();
  });

  test('the progress moves by itself, and the page says how it ended', async () => {
    const origin = { actor: 'asha' };
    const begun = await server.services.symbols.importer.begin({
      fileName: 'a.csv',
      broker: undefined,
      origin,
    });
    if (begun.kind === 'busy') throw new Error('busy');
    await page.goto(at(`/symbols/imports/${begun.started.id}`));
    const bar = page.getByRole('progressbar', { name: 'Receiving the file' });
    await bar.waitFor();
    await expectGoodPage();

    await server.infrastructure.database.db
      .updateTable('symbol_imports')
      .set({ stage: 'storing', stage_done: 15_000, stage_total: 30_000 })
      .execute();
    const moved = page.getByRole('progressbar', { name: 'Storing: 15,000 of 30,000 instruments' });
    await moved.waitFor();
    expect(await moved.getAttribute('value')).toBe('65');

    await begun.started.giveUp('failed', 'Enough of it.');
    await page.getByText('Enough of it.').waitFor();
    await expectGoodPage();
  });

  test('a file is imported, and the lines that were left out are listed', async () => {
    await importFile('instruments.csv', `${sampleMasterText(6_000)}not,an,instrument\n`);
    await page.getByText('The new list is in use').waitFor();
    expect(await mainText()).toContain('Line 6002: it has 3 columns and not 12');
    await expectGoodPage();
    await page.getByRole('link', { name: 'Back to imports' }).click();
    expect(await mainText()).toContain('6,000 instruments');
    await expectGoodPage();
  });

  test('searching finds what was imported', async () => {
    await page.goto(at('/symbols'));
    await page.getByLabel('Words or the beginning of words').fill('nifty 24 dec 25000');
    await page.getByLabel('Type', { exact: true }).selectOption('CE');
    await page.keyboard.press('Tab');
    await page.getByRole('button', { name: 'Search' }).press('Enter');
    await page.waitForURL(/q=nifty/);
    expect(await mainText()).toContain('Results 1 to 4');
    expect(await page.getByRole('rowheader').allTextContents()).toEqual([
      expect.stringContaining('NIFTY24D0525000CE'),
      expect.stringContaining('NIFTY24D1225000CE'),
      expect.stringContaining('NIFTY24D1925000CE'),
      expect.stringContaining('NIFTY24DEC25000CE'),
    ]);
    await expectGoodPage();
  });

  test('there are pages of results', async () => {
    await page.goto(at('/symbols?q=nifty'));
    await page.getByRole('link', { name: 'Next' }).click();
    await page.waitForURL(/page=2/);
    expect(await mainText()).toContain('Results 51 to 100');
    await expectGoodPage();
  });

  test('nothing found, and a file that is none, are said in words', async () => {
    await page.goto(at('/symbols?q=zzz'));
    expect(await mainText()).toContain('No instrument has all of this');
    await expectGoodPage();
    await importFile('page.csv', '<!doctype html>\n');
    await page.getByText(/^Refused\./).waitFor();
    expect(await mainText()).toContain('This is a web page and not a table');
    await expectGoodPage();
  });

  test('the console had nothing to complain about', () => {
    expect(complaints).toEqual([]);
  });
});
