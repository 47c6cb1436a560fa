import { join } from 'node:path';
import type { BrowserContext, CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LINK_WORLDS, type LinkWorld, openLinkWorld } from '../accounts/link-world.ts';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { addAuthenticator, type Browser, launchBrowser } from '../support/browser.ts';
import { startTestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp } from '../support/visitor.ts';

const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1280, height: 900 };
/** Where to leave pictures of the pages, for whoever wants to look at them. */
const PICTURES = process.env['CURFEW_PICTURES'];

describe.each(LINK_WORLDS)('passkeys, in a browser, on %s', (_name, open) => {
  let world: LinkWorld;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let cdp: CDPSession;
  let authenticatorId: string;
  const complaints: string[] = [];

  beforeAll(async () => {
    [world, browser] = await Promise.all([
      openLinkWorld(open, {}, { hostname: 'localhost' }),
      launchBrowser(),
    ]);
    context = await browser.newContext({ viewport: PHONE });
    page = await openPage(context);
    ({ cdp, authenticatorId } = await addAuthenticator(page));
  });
  afterAll(async () => {
    await browser.close();
    await world.close();
  });

  const at = (path: string): string => world.last.origin + path;
  const signOut = async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(/reason=logged_out/);
  };

  async function openPage(where: BrowserContext): Promise<Page> {
    const opened = await where.newPage();
    opened.on('console', (message) => {
      if (message.type() === 'error' && !/status of (400|401|403|404)/.test(message.text()))
        complaints.push(message.text());
    });
    opened.on('pageerror', (error) => complaints.push(error.message));
    return opened;
  }

  async function signInByPassword(which: Page): Promise<void> {
    await which.goto(at('/auth/login'));
    await which.getByLabel('Username').fill(PERSON.username);
    await which.getByLabel('Password', { exact: true }).fill(PERSON.password);
    await which.getByRole('button', { name: 'Sign in', exact: true }).click();
  }

  async function expectSound(name: string): Promise<void> {
    // The pages are the same, whatever the stores.
    if (world.redisUrl !== undefined) return;
    for (const viewport of [PHONE, DESKTOP]) {
      await page.setViewportSize(viewport);
      await expectNoAxeViolations(page);
      expect(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      if (PICTURES === undefined) continue;
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await page.waitForTimeout(500);
        await page.screenshot({ path: join(PICTURES, `${name}-${colorScheme}-${viewport.width}.png`) });
      }
    }
    await page.setViewportSize(PHONE);
  }

  const automatic = (enabled: boolean) =>
    cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled });

  test('one is added on the profile, with recovery codes, and is listed', async () => {
    await automatic(true);
    await signInByPassword(page);
    await page.waitForURL(at('/dashboard'));
    await page.goto(at('/profile'));
    await page.getByRole('link', { name: 'Add a passkey' }).click();
    await expectSound('passkeys-none');
    await page.getByLabel('Name').fill('This laptop');
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor();
    await page.getByRole('link', { name: 'I have kept them' }).click();
    await page.getByText('This laptop').first().waitFor();
    expect(await page.getByRole('status').allTextContents()).toContain(
      'The passkey is added. You can sign in with it.',
    );
    await expectSound('passkeys');
    await page.goto(at('/profile'));
    await expectSound('profile');
    // Or the sign-in page would sign in at once.
    await automatic(false);
    await signOut();
  });

  test('a press signs in, and the page offers it first from then on', async () => {
    await automatic(false);
    await page.goto(at('/auth/login?returnTo=%2Fsymbols'));
    await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor();
    await automatic(true);
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.waitForURL(at('/symbols'));
    await automatic(false);
    await signOut();
    expect(await page.getByText('Last signed in here').textContent()).toContain(PERSON.username);
    const main = page.locator('.button-main');
    expect(await main.allTextContents()).toEqual(['Sign in with a passkey']);
    await expectSound('login-passkey');
  });

  test('a passkey is offered in the field for the username, without a press', async () => {
    await automatic(true);
    await page.goto(at('/auth/login?returnTo=%2Fsettings'));
    await page.waitForURL(at('/settings'));
    await automatic(false);
    await signOut();
  });

  test('the password then asks for the passkey or a recovery code, and “Not you?” forgets', async () => {
    await page.goto(at('/auth/login'));
    await page.getByLabel('Password', { exact: true }).fill(PERSON.password);
    await page.getByRole('button', { name: 'Sign in with your password' }).click();
    await page.waitForURL(/\/auth\/login\/totp/);
    await expectSound('code-passkey');
    await automatic(true);
    await page.getByRole('button', { name: 'Use your passkey' }).click();
    await page.waitForURL(at('/dashboard'));
    await automatic(false);
    await signOut();
    await page.getByRole('button', { name: 'Not you?' }).click();
    await page.waitForURL(at('/auth/login'));
    expect(await page.getByText('Last signed in here').count()).toBe(0);
    expect(await page.getByLabel('Username').inputValue()).toBe('');
    await expectSound('login');
  });

  test('says what to do when no passkey was used, or this one is not known here', async () => {
    await page.goto(at('/auth/login'));
    await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
    await automatic(true);
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.getByRole('alert').filter({ hasText: 'No passkey was used. Try again.' }).waitFor();
    await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true });
    await automatic(false);
  });

  test('without JavaScript there is the password, and a recovery code', async () => {
    const { accounts, users } = world.first.services;
    const user = await users.findByUsername(PERSON.username);
    const [code = ''] =
      (await accounts.secondFactor.renewRecoveryCodes(user?.id ?? '', { actor: 'test' })) ?? [];
    const plain = await browser.newContext({ viewport: PHONE, javaScriptEnabled: false });
    const without = await openPage(plain);
    await signInByPassword(without);
    await without.waitForURL(/\/auth\/login\/totp/);
    expect(await without.getByRole('button', { name: 'Use your passkey' }).count()).toBe(0);
    await without.getByLabel('Code').fill(code);
    await without.getByRole('button', { name: 'Sign in' }).click();
    await without.waitForURL(at('/dashboard'));
    await plain.close();
  });

  test('one is renamed', async () => {
    await automatic(true);
    await page.goto(at('/auth/login'));
    await page.waitForURL(at('/dashboard'));
    await page.goto(at('/profile/passkeys'));
    await page.getByRole('link', { name: 'Rename This laptop' }).click();
    await page.getByLabel('Name').fill('The old laptop');
    await expectSound('passkey-name');
    await page.getByRole('button', { name: 'Rename passkey' }).click();
    await page.getByText('The old laptop').first().waitFor();
    await expectSound('passkey-renamed');
    await automatic(false);
    await signOut();
  });

  test('one is removed after a question', async () => {
    await automatic(true);
    await page.goto(at('/auth/login'));
    await page.waitForURL(at('/dashboard'));
    await page.goto(at('/profile/passkeys'));
    await page.getByRole('link', { name: 'Remove The old laptop' }).click();
    await expectSound('passkey-removal');
    await page.getByRole('button', { name: 'Remove' }).click();
    await page.getByText('The passkey is removed.').waitFor();
    await automatic(false);
    await signOut();
  });

  test('one is added where a sign-in has to begin with a second factor', async () => {
    const strict = await startTestServer({
      hostname: 'localhost',
      env: { ...(await open()), SECOND_FACTOR: 'all' },
    });
    try {
      await setUp(createVisitor(strict.origin));
      const account = {
        username: 'ravi',
        email: 'r@example.org',
        password: PERSON.password,
        role: 'user',
      } as const;
      await strict.services.accounts.userAdmin.create(account, { actor: 'cli' });
      await page.goto(`${strict.origin}/auth/login?returnTo=%2Fsymbols`);
      await page.getByLabel('Username').fill(account.username);
      await page.getByLabel('Password', { exact: true }).fill(account.password);
      // The hint of the other server may be there still: cookies know no ports.
      await page.getByRole('button', { name: /^Sign in( with your password)?$/ }).click();
      await page.getByRole('heading', { name: 'Set up your second factor' }).waitFor();
      await expectSound('enrolment');
      await automatic(true);
      await page.getByRole('button', { name: 'Add a passkey' }).click();
      await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor();
      await expectSound('recovery-codes');
      await page.getByRole('link', { name: 'I have kept them' }).click();
      await page.waitForURL(`${strict.origin}/symbols`);
      expect(complaints).toEqual([]);
    } finally {
      await strict.close();
    }
  });
});
