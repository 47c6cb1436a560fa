import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import type { Browser } from '../support/browser.ts';
import { PERSON } from '../support/visitor.ts';

export interface PhonePage {
  readonly page: Page;
  /** What the browser's console said against the pages, refused answers aside. */
  readonly complaints: readonly string[];
  /** No finding of axe, and nothing to scroll sideways. */
  expectGoodPage(): Promise<void>;
}

/** Signs PERSON in on a phone, and opens `path`. */
export async function openPhonePage(browser: Browser, origin: string, path: string): Promise<PhonePage> {
  const context = await browser.newContext({
    viewport: { width: 390, height: 844 },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text()))
      complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(`${origin}/auth/login?returnTo=${path}`);
  await page.getByLabel('Username').fill(PERSON.username);
  await page.getByLabel('Password', { exact: true }).fill(PERSON.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(origin + path);
  return {
    page,
    complaints,
    async expectGoodPage() {
      await expectNoAxeViolations(page);
      expect(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    },
  };
}
