import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApiClient } from '../api/api-client.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp } from '../support/visitor.ts';
import { openPhonePage, type PhonePage } from './phone-page.ts';

describe('the pages of API keys, in a browser', () => {
  let browser: Browser;
  let page: Page;
  let server: TestServer;
  let phone: PhonePage;
  let key = '';

  beforeAll(async () => {
    [server, browser] = await Promise.all([startTestServer(), launchBrowser()]);
    await setUp(createVisitor(server.origin));
    phone = await openPhonePage(browser, server.origin, '/api-keys');
    page = phone.page;
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  const at = (path: string): string => server.origin + path;
  const isInOrder = () => phone.expectGoodPage();

  test('a form that is refused says what is wrong, and keeps what was typed', async () => {
    await isInOrder();
    await page.getByRole('link', { name: 'New API key' }).click();
    await isInOrder();
    await page.getByLabel('Name').fill('Breakout bot');
    await page.getByLabel('Primary address').fill('somewhere');
    await page.getByRole('button', { name: 'Create key' }).click();
    await page.getByRole('alert').waitFor();
    await isInOrder();
    await page.getByRole('link', { name: /^What it may do/ }).click();
    expect(await page.evaluate<string>('document.activeElement.id')).toBe('scopes');
    expect(await page.getByLabel('Name').inputValue()).toBe('Breakout bot');
  });

  test('a key can be made by keyboard alone, copied, and used', async () => {
    await page.getByLabel('session:read').focus();
    await page.keyboard.press('Space');
    await page.getByLabel('Primary address').fill('127.0.0.1');
    await page.getByLabel('Expires').selectOption('90d');
    await page.getByLabel('Primary address').press('Enter');
    await page.getByText('it is shown this once').waitFor();
    await isInOrder();
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByText('Copied', { exact: true }).waitFor();
    key = await page.evaluate<string>('navigator.clipboard.readText()');
    const answer = await createApiClient(server.origin, key).ask('/api/v1/session');
    expect(answer).toMatchObject({ status: 200, body: { data: { key: { name: 'Breakout bot' } } } });
    await page.getByRole('link', { name: 'I have copied it' }).click();
  });

  test('the list and the key’s own page show all but the secret', async () => {
    await server.services.api.usage.flush();
    await page.goto(at('/api-keys'));
    await isInOrder();
    await page.getByRole('link', { name: 'Open Breakout bot' }).click();
    await page.getByText('You can change them again from').waitFor();
    await isInOrder();
    expect(await page.content()).not.toContain(key.split('_')[2]);
    await page.getByText('from 127.0.0.1', { exact: true }).waitFor();
  });

  test('an administrator lets the addresses be changed, and the owner changes them', async () => {
    await page.goto(at('/api-keys/everybody'));
    await isInOrder();
    await page.getByRole('button', { name: /^Let addresses change/ }).click();
    await page.getByText('may change the addresses').waitFor();
    await page.goto(at('/api-keys'));
    await page.getByRole('link', { name: 'Open Breakout bot' }).click();
    await isInOrder();
    await page.getByLabel('Primary address').fill('203.0.113.0/28');
    await page.getByRole('button', { name: 'Change the addresses' }).click();
    await page.getByText('The addresses are changed.').waitFor();
    expect((await createApiClient(server.origin, key).ask('/api/v1/session')).status).toBe(403);
  });

  test('a revoked key is gone', async () => {
    await page.getByRole('link', { name: 'Revoke this key' }).click();
    await page.getByText('This cannot be undone.').waitFor();
    await isInOrder();
    await page.getByRole('button', { name: 'Revoke this key' }).click();
    await page.getByText('The key is revoked.').waitFor();
    await isInOrder();
    expect((await createApiClient(server.origin, key).ask('/api/v1/session')).status).toBe(401);
  });

  test('the page about the API is for anyone', async () => {
    await page.goto(at('/api'));
    await isInOrder();
    await page.getByText('Fields of the answer to GET /api/v1/session').click();
    await isInOrder();
  });

  test('the console had nothing to complain about', () => {
    expect(phone.complaints).toEqual([]);
  });
});
