import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp } from '../support/visitor.ts';

const PHONE = { width: 390, height: 844 };
const WIDE = { width: 1280, height: 900 };

describe('limits and what browsers report, in a browser', () => {
  let browser: Browser;
  let server: TestServer;

  beforeAll(async () => {
    [server, browser] = await Promise.all([
      startTestServer({ env: { PAGE_RATE_LIMIT: '30/minute', CSP_REPORT_RATE_LIMIT: '1000/minute' } }),
      launchBrowser(),
    ]);
    await setUp(createVisitor(server.origin));
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  const at = (path: string): string => server.origin + path;

  async function openSignedIn(viewport: typeof PHONE, javaScriptEnabled = true): Promise<Page> {
    const context = await browser.newContext({ viewport, javaScriptEnabled });
    const page = await context.newPage();
    await page.goto(at('/auth/login?returnTo=/settings'));
    await page.getByLabel('Username').fill(PERSON.username);
    await page.getByLabel('Password', { exact: true }).fill(PERSON.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(at('/settings'));
    return page;
  }

  async function expectGoodPage(page: Page): Promise<void> {
    await expectNoAxeViolations(page);
    expect(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  }

  test('what a page may not load is reported by the browser, and listed in plain words', async () => {
    const page = await openSignedIn(PHONE);
    await page.evaluate(`
      document.body.append(Object.assign(new Image(), { src: 'https://pictures.example/a.png?secret=1' }));
      document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = true' }));
    `);
    expect(await page.evaluate('window.ran')).toBeUndefined();
    await eventually(async () => {
      await page.goto(at('/security/csp-reports'));
      const text = (await page.getByRole('main').textContent()) ?? '';
      expect(text).toContain('A picture was not loaded.');
      expect(text).toContain('https://pictures.example/a.png');
      expect(text).toContain('A script was kept from running.');
      expect(text).toContain('/settings');
      expect(text).not.toContain('secret');
    });
    await expectGoodPage(page);
    await page.setViewportSize(WIDE);
    await expectGoodPage(page);
    await page.context().close();
  });

  test('the security pages are a panel on a phone, opened and left by keyboard, and a row elsewhere', async () => {
    const page = await openSignedIn(PHONE);
    await page.goto(at('/security/bans'));
    const places = page.getByRole('navigation', { name: 'Security' });
    const button = page.getByRole('button', { name: /Security pages/ });
    await expectGoodPage(page);
    expect(await places.isVisible()).toBe(false);
    await button.focus();
    await page.keyboard.press('Enter');
    expect(await places.isVisible()).toBe(true);
    await expectGoodPage(page);
    const boxes = await places.getByRole('link').all();
    for (const link of boxes) expect((await link.boundingBox())?.height).toBeGreaterThanOrEqual(44);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.closest("#places") !== null')).toBe(true);
    await page.keyboard.press('Escape');
    expect(await places.isVisible()).toBe(false);
    await button.click();
    await places.getByRole('link', { name: 'CSP reports' }).click();
    await page.waitForURL(at('/security/csp-reports'));

    await page.setViewportSize(WIDE);
    expect(await places.isVisible()).toBe(true);
    expect(await button.isVisible()).toBe(false);
    expect(await places.locator('[aria-current="page"]').textContent()).toBe('CSP reports');
    await expectGoodPage(page);
    await page.context().close();
  });

  test('a user who asks too often is told what happened, without a script, and sends the form once more later', async () => {
    const page = await openSignedIn(PHONE, false);
    await page.getByLabel('Dark').check();
    const token = await page.locator('input[name="_csrf"]').first().inputValue();
    expect(token).not.toBe('');
    const cookies = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
    const ask = () => fetch(at('/nothing'), { headers: { Cookie: cookies, Accept: 'text/html' } });
    while ((await ask()).status !== 429);

    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Too many requests' }).waitFor();
    const words = (await page.getByRole('main').textContent()) ?? '';
    expect(words).toMatch(/Try again in \d+ seconds?\./);
    expect(words).toContain('You are still signed in');
    expect(words).toContain('What you typed is not lost');

    // The same refusal, where it can be looked at with the tools for it.
    const context = await browser.newContext({ viewport: PHONE });
    await context.addCookies(await page.context().cookies());
    const other = await context.newPage();
    expect((await other.goto(at('/strategies')))?.status()).toBe(429);
    await expectGoodPage(other);
    await other.setViewportSize(WIDE);
    await expectGoodPage(other);
    expect(await other.getByRole('link', { name: 'Try again' }).getAttribute('href')).toBe('/strategies');
    await context.close();

    // A minute later.
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 61_000);
    await page.reload();
    await page.getByRole('status').first().waitFor();
    expect(await page.getByLabel('Dark').isChecked()).toBe(true);
    await page.context().close();
  });
});
