import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MINUTE_MS, SECOND_MS } from '../../src/core/duration.ts';
import { MORNING } from '../broker/broker-world.ts';
import {
  type ProtocolBrokers,
  REAL_BROKERS,
  startProtocolBrokers,
} from '../broker/protocol-servers/protocol-brokers.ts';
import { statusOf } from '../broker/protocol-servers/protocol-server.ts';
import { expectNoAxeViolations } from '../support/accessibility.ts';
import { type Browser, launchBrowser } from '../support/browser.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp } from '../support/visitor.ts';

const FRIEND = { username: 'ravi', password: 'another-monsoon-77', email: 'ravi@example.org' };
const CUTOFF = '2026-11-21T03:00:00+05:30';
const BROKERS = ['sandbox', ...REAL_BROKERS] as const;

const HELP = {
  sandbox: [],
  zerodha: [/developer console under My apps/, /same page of your app/],
  upstox: [/developer page under My apps/, /Beside the API key/],
  fyers: [/Fyers API dashboard/, /Not your PIN/],
  dhan: [/ten digits/, /switch from Access Token to API Key/, /together with the API key/],
} as const;

/** What a person reads who says no at the broker's. Fyers does not say why it sends somebody back empty-handed. */
const REFUSAL: Readonly<Record<string, RegExp>> = { fyers: /refused the connection/ };

describe.each(BROKERS)('a day with %s in a browser', (broker) => {
  let clock: SettableClock;
  let brokers: ProtocolBrokers | undefined;
  let server: TestServer;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    clock = createSettableClock(MORNING);
    [server, browser] = await Promise.all([
      startTestServer({
        clock,
        env: { SESSION_IDLE_TIMEOUT: 'off' },
        async adapters(origin) {
          brokers = await startProtocolBrokers(clock, origin, { loginHost: 'localhost' });
          return brokers.adapters;
        },
      }),
      launchBrowser(),
    ]);
    await setUp(createVisitor(server.origin));
    await server.services.accounts.userAdmin.create({ ...FRIEND, role: 'user' }, { actor: 'cli' });
    page = await openPage(await browser.newContext({ viewport: { width: 390, height: 844 } }));
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
    await brokers?.close();
  });

  async function openPage(context: BrowserContext): Promise<Page> {
    const opened = await context.newPage();
    opened.setDefaultTimeout(10 * SECOND_MS);
    opened.on('console', (message) => {
      if (message.type() === 'error' && !/status of (400|401|403|404)|ERR_FAILED/.test(message.text()))
        complaints.push(message.text());
    });
    opened.on('pageerror', (error) => complaints.push(error.message));
    return opened;
  }

  const at = (path: string): string => server.origin + path;
  const theServer = () => (broker === 'sandbox' ? undefined : brokers?.servers[broker]);
  const card = (where = page) =>
    where.getByRole('article').filter({ has: where.locator(`#broker-${broker}`) });
  const textOf = async (where = page) => (await where.getByRole('main').textContent()) ?? '';
  const connect = (where = page) =>
    card(where)
      .getByRole('button', { name: /^Connect/ })
      .click();

  async function disconnect(): Promise<void> {
    await card()
      .getByRole('button', { name: /Disconnect/ })
      .click();
    await page.waitForURL(/notice=disconnected/);
  }

  async function expectSound(where = page): Promise<void> {
    await expectNoAxeViolations(where);
    expect(await where.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  }

  async function signIn(where: Page, person: { username: string; password: string }): Promise<void> {
    await where.getByLabel('Username').fill(person.username);
    await where.getByLabel('Password', { exact: true }).fill(person.password);
    await where.getByRole('button', { name: 'Sign in' }).click();
  }

  async function userId(username: string = PERSON.username): Promise<string> {
    const { db } = server.infrastructure.database;
    return (
      await db.selectFrom('users').select('id').where('username', '=', username).executeTakeFirstOrThrow()
    ).id;
  }
  const read = async (username?: string) =>
    server.services.brokers.reader.accessToken(await userId(username), broker);

  async function token(): Promise<string> {
    const reading = await read();
    if (reading.kind !== 'token') throw new Error(reading.why);
    return reading.token;
  }

  /** What the broker itself answers to whoever uses the token: 200 while it lives. */
  function use(accessToken: string): Promise<number> {
    const headers = { authorization: `Bearer ${accessToken}` };
    return theServer()?.profileStatus(accessToken) ?? statusOf(at('/sandbox/profile'), headers);
  }

  /** Goes to the broker and says yes, and gets hold of the address that it sends the browser back to. */
  async function interceptCallback(): Promise<string> {
    await page.goto(at('/broker'));
    await connect();
    await page.getByRole('button', { name: 'Allow' }).waitFor();
    let seen = '';
    await page.route('**', async (route) => {
      const answer = await route.fetch({ maxRedirects: 0 });
      seen = answer.headers()['location'] ?? '';
      await route.abort();
    });
    await page.getByRole('button', { name: 'Allow' }).click();
    await expect.poll(() => seen, { timeout: 5 * SECOND_MS }).toContain('/auth/broker/');
    await page.unroute('**');
    return seen;
  }

  test('the way begins on the brokers’ page, with the app’s keys where the broker wants any', async () => {
    await page.goto(at('/auth/login?returnTo=/broker'));
    await signIn(page, PERSON);
    await page.waitForURL(at('/broker'));
    await expectSound();
    const keys = theServer()?.credentials;
    if (keys === undefined) return;
    await card()
      .getByRole('link', { name: /Enter app keys/ })
      .click();
    expect(await textOf()).toContain(at(`/auth/broker/${broker}/callback`));
    expect(await textOf()).toContain('static address');
    const hints = await page.locator('.hint').allTextContents();
    expect(hints).toHaveLength(HELP[broker].length);
    for (const [index, help] of HELP[broker].entries()) expect(hints[index]).toMatch(help);
    await expectSound();
    for (const [name, value] of Object.entries(keys)) await page.locator(`#${name}`).fill(value);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.waitForURL(at('/broker?notice=credentials_saved'));
  });

  test('a no at the broker connects nothing', async () => {
    await connect();
    await page.getByRole('button', { name: 'Deny' }).click();
    await page.waitForURL(/127\.0\.0\.1.*(notice=denied|callback)/);
    expect(await textOf()).toMatch(REFUSAL[broker] ?? /You did not allow the connection/);
    await expectSound();
    expect(await read()).toMatchObject({ kind: 'reauth_required' });
  });

  test('the callback address is of no use in another browser, signed in or not', async () => {
    const stolen = await interceptCallback();
    // With a slash of its own, as Dhan publishes it.
    if (broker === 'dhan') expect(stolen).toContain('/auth/broker/dhan/callback/?tokenId=');
    const thief = await openPage(await browser.newContext());
    expect((await thief.goto(stolen))?.status()).toBe(401);
    expect(await textOf(thief)).toContain('never signs anyone in');
    await expectSound(thief);
    await thief.goto(at('/auth/login'));
    await signIn(thief, FRIEND);
    await thief.waitForURL(at('/dashboard'));
    const answer = await thief.goto(stolen);
    // Dhan hands no state back: the thief’s session has nothing under way that this could be the answer to.
    expect(answer?.status()).toBe(broker === 'dhan' ? 400 : 403);
    expect(await textOf(thief)).toContain(broker === 'dhan' ? 'never asked for' : 'begun elsewhere');
    await expectSound(thief);
    expect(await read(FRIEND.username)).toEqual({ kind: 'reauth_required', why: 'not_connected' });
    await thief.context().close();
    // Its owner comes back with a link that is used up, or at Dhan still theirs; and once at most.
    await page.goto(stolen);
    expect(await textOf()).toMatch(broker === 'dhan' ? /Connected\./ : /This link has been used/);
    await page.goto(stolen);
    expect(await textOf()).toContain('This link has been used');
    await expectSound();
    await page.goto(at('/broker'));
    if (broker === 'dhan') await disconnect();
    clock.advance(MINUTE_MS);
    expect(await read()).toMatchObject({ kind: 'reauth_required' });
  });

  test('a yes connects it, and the broker honours the token', async () => {
    await page.goto(at('/broker'));
    await connect();
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.waitForURL(at('/broker?notice=connected'));
    expect(await card().textContent()).toContain('Connected until Sat 21 Nov 2026, 03:00:00 IST');
    await expectSound();
    expect(await use(await token())).toBe(200);
    const feed = await server.services.brokers.reader.feedToken(await userId(), broker);
    if (feed.kind === 'token') expect((await theServer()?.feedStatus(feed.token)) ?? 200).toBe(200);
    // ASVS 10.1.1: what the browser never had, it cannot lose.
    expect(await page.content()).not.toContain(await token());
  });

  test('the cutoff ends it here and at the broker, and sends the browser to sign in', async () => {
    const last = await token();
    clock.set(CUTOFF);
    expect(await read()).toMatchObject({ kind: 'reauth_required', why: 'cutoff' });
    await server.services.revocation.sweep.runIfDue();
    await server.services.brokers.logoutQueue.drain();
    const status = await use(last);
    if (broker === 'dhan') expect(status).toBe(200);
    else expect([401, 403]).toContain(status);
    // The open page leaves by itself; a request would meet it on its way.
    await page.waitForURL(/\/auth\/login\?reason=cutoff/);
    await page.goto(at('/sessions?from=here'));
    expect(page.url()).toContain('/auth/login?');
  });

  test('after it, one click on the banner connects again and leads back to this very page', async () => {
    await signIn(page, PERSON);
    await page.waitForURL(at('/sessions?from=here'));
    await page.getByRole('region', { name: 'Brokers to connect again' }).waitFor();
    expect(await page.content()).toContain('Expired at the cutoff.');
    await expectSound();
    await page.getByRole('button', { name: /Reconnect/ }).click();
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.waitForURL(at('/sessions?from=here'));
    expect(await page.getByText('is not connected').count()).toBe(0);
    expect(await use(await token())).toBe(200);
  });

  test('disconnecting says what the broker hears of it', async () => {
    const last = await token();
    await page.goto(at('/broker'));
    await disconnect();
    await server.services.brokers.logoutQueue.drain();
    await expectSound();
    if (broker === 'dhan') {
      expect(await textOf()).toContain('takes no sign-out from apps');
      expect(await card().textContent()).toContain('honours the token until Sun 22 Nov 2026');
      expect(await use(last)).toBe(200);
    } else {
      expect(await textOf()).toContain('The broker is being told');
      expect([401, 403]).toContain(await use(last));
    }
    expect(await read()).toEqual({ kind: 'reauth_required', why: 'disconnected' });
  });

  test('a callback that comes after the session has ended is explained, and the next one works', async () => {
    const late = await interceptCallback();
    clock.set('2026-11-22T03:00:00+05:30');
    await server.services.revocation.sweep.runIfDue();
    expect((await page.goto(late))?.status()).toBe(401);
    expect(await textOf()).toContain('Your session had ended by the time');
    await expectSound();
    await page.getByRole('main').getByRole('link', { name: 'Sign in' }).click();
    await signIn(page, PERSON);
    await page.waitForURL(at('/broker'));
    clock.advance(MINUTE_MS);
    await connect();
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.waitForURL(at('/broker?notice=connected'));
    expect(await use(await token())).toBe(200);
  });

  test('the console had nothing to complain about', () => {
    expect(complaints).toEqual([]);
  });
});
