import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { secretDigest } from '../../src/broker/secret-digest.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createFakeBroker, type FakeBroker } from '../broker/fake-broker.ts';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp } from '../support/visitor.ts';
import { openPhonePage, type PhonePage } from './phone-page.ts';

describe('the pages of a broker that wants app keys, in a browser', () => {
  let browser: Browser;
  let page: Page;
  let server: TestServer;
  let broker: FakeBroker;
  let phone: PhonePage;

  beforeAll(async () => {
    const clock = createSettableClock(systemClock.now());
    broker = createFakeBroker(clock, {
      needsStaticAddress: true,
      credentialFields: [
        { name: 'apiKey', label: 'API key', secret: false, help: 'Beside the app.' },
        { name: 'apiSecret', label: 'API secret', secret: true, help: 'Beside the app.' },
      ],
      // A broker that asks nothing: it sends the browser straight back.
      async startAuthorization({ state, redirectUri }) {
        return { kind: 'redirect', url: new URL(`${redirectUri}?state=${state}&code=x`) };
      },
    });
    [server, browser] = await Promise.all([
      startTestServer({ clock, adapters: [broker.adapter] }),
      launchBrowser(),
    ]);
    await setUp(createVisitor(server.origin));
    phone = await openPhonePage(browser, server.origin, '/broker');
    page = phone.page;
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  const at = (path: string): string => server.origin + path;
  const fitsThePhone = () => page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth');
  const mainText = async () => (await page.getByRole('main').textContent()) ?? '';

  test('the card leads to the form, and the redirect URL can be copied', async () => {
    await expectNoAxeViolations(page);
    await page.getByRole('link', { name: /Enter app keys/ }).click();
    await expectNoAxeViolations(page);
    expect(await fitsThePhone()).toBe(true);
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByText('Copied').waitFor();
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toBe(
      at('/auth/broker/fake/callback'),
    );
  });

  test('what is wrong is said at the field, and the secret is typed again', async () => {
    await page.getByLabel('API key').fill('has a space');
    await page.getByLabel('API secret').fill('a-secret-of-theirs');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').waitFor();
    await expectNoAxeViolations(page);
    expect(await page.getByLabel('API key').inputValue()).toBe('has a space');
    expect(await page.getByLabel('API secret').inputValue()).toBe('');
  });

  test('saved keys let the broker be connected, and are not shown again', async () => {
    await page.getByLabel('API key').fill('public-key-1234');
    await page.getByLabel('API secret').fill('a-secret-of-theirs');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.waitForURL(/notice=credentials_saved/);
    await expectNoAxeViolations(page);
    await page.getByRole('link', { name: /^App keys/ }).click();
    expect(await mainText()).toMatch(/Set on .*ending in …1234/s);
    await expectNoAxeViolations(page);
    expect(await page.content()).not.toMatch(/a-secret-of-theirs|public-key/);

    await page.goto(at('/broker'));
    await page.getByRole('button', { name: /^Connect/ }).click();
    await page.getByText(/Connected until/).waitFor();
    await page.getByRole('link', { name: /^App keys/ }).click();
    expect(await mainText()).toContain('disconnect first');
    await expectNoAxeViolations(page);
  });

  test('a rejected connection shows a banner that leads back to this very page', async () => {
    const user = await server.infrastructure.database.db
      .selectFrom('users')
      .select('id')
      .executeTakeFirstOrThrow();
    await server.services.brokers.reportRejected(user.id, 'fake', {
      tokenDigest: secretDigest('fake-access-1'),
    });
    await page.goto(at('/sessions?from=here'));
    await expectNoAxeViolations(page);
    expect(await fitsThePhone()).toBe(true);
    await page.getByRole('button', { name: /Reconnect/ }).click();
    await page.waitForURL(at('/sessions?from=here'));
    expect(await page.getByText('is not connected').count()).toBe(0);
    await page.goto(at('/broker'));
    await page.getByText(/Connected until/).waitFor();
  });

  test('the administrator sees what no broker took', async () => {
    broker.onRevoke = async () => ({ kind: 'refused', why: 'invalid_client' });
    await page.getByRole('button', { name: /Disconnect/ }).click();
    await page.waitForURL(/notice=disconnected/);
    await server.infrastructure.database.db.updateTable('broker_logouts').set({ attempts: 9 }).execute();
    await server.services.brokers.logoutQueue.drain();
    await page.getByRole('link', { name: 'Failed broker logouts' }).click();
    expect(await mainText()).toContain('invalid_client');
    await expectNoAxeViolations(page);
    expect(await fitsThePhone()).toBe(true);
    // The rejected token's, and that of the one disconnected just now.
    await page
      .getByRole('button', { name: /^Try again/ })
      .first()
      .click();
    await page.getByText('One more logout is still being tried').waitFor();
    await page.getByRole('button', { name: /^Dismiss/ }).click();
    await page.getByText('Every broker was told').waitFor();
    await expectNoAxeViolations(page);
  });

  test('the console had nothing to complain about', () => {
    expect(phone.complaints).toEqual([]);
  });
});
