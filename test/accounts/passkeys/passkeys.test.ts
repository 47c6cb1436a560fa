import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MINUTE_MS } from '../../../src/core/duration.ts';
import { createPostgresDatabase } from '../../support/databases.ts';
import { startRedis } from '../../support/redis-server.ts';
import { createSettableClock } from '../../support/settable-clock.ts';
import {
  createSoftwareAuthenticator,
  type SoftwareAuthenticator,
} from '../../support/software-authenticator.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';
import {
  type Answer,
  createVisitor,
  keptFormIn,
  PERSON,
  setUp,
  signIn,
  type Visitor,
} from '../../support/visitor.ts';

const SIGN_IN = '/auth/login/passkey';
const PASSKEYS = '/profile/passkeys';
const HOST = 'https://trade.example.org';

interface Ceremony {
  readonly sealed: string;
  readonly options: {
    readonly challenge: string;
    readonly rp: { readonly id: string };
    readonly user: { readonly id: string };
  };
}

describe.each(['SQLite', 'Postgres, with two nodes and Redis'])('Passkeys on %s', (stores) => {
  const clock = createSettableClock('2026-11-20T12:00:00+05:30');
  let redis: Awaited<ReturnType<typeof startRedis>> | undefined;
  let nodes: TestServer[] = [];
  let visitor: Visitor;
  let passkey: SoftwareAuthenticator;

  beforeAll(async () => {
    const isScaled = stores !== 'SQLite';
    redis = isScaled ? await startRedis() : undefined;
    const env: Record<string, string> = {
      SESSION_EXPIRY_TIME: 'off',
      SESSION_IDLE_TIMEOUT: 'off',
      ...(redis === undefined ? {} : { DATABASE_URL: await createPostgresDatabase(), REDIS_URL: redis.url }),
    };
    nodes = [await startTestServer({ clock, env, hostname: 'localhost' })];
    const [first] = nodes;
    if (isScaled && first !== undefined)
      nodes.push(
        await startTestServer({ clock, env: { ...env, BASE_URL: first.origin }, hostname: 'localhost' }),
      );
    await setUp(createVisitor(origin()));
    passkey = await addPasskey();
  });
  afterAll(async () => {
    for (const node of nodes) await node.close();
    await redis?.stop();
  });
  beforeEach(() => {
    visitor = createVisitor(origin());
    clock.advance(MINUTE_MS);
  });

  const node = (index = 0): TestServer => nodes[index] ?? (nodes[0] as TestServer);
  const origin = () => node().origin;
  const send = (browser: Visitor, path: string, fields: Record<string, string>) =>
    browser.post(path, fields, { Origin: origin() });
  const begin = async (browser: Visitor, page: string): Promise<Ceremony> =>
    JSON.parse((await browser.get(`${page}/options`, { Accept: 'application/json' })).text);
  const events = async () => {
    const { db } = node().infrastructure.database;
    const rows = await db.selectFrom('audit_log').select(['type', 'detail']).orderBy('id').execute();
    return rows.map(({ type, detail }) => ({ type, ...JSON.parse(detail) }));
  };
  const userId = async () => (await node().services.users.findByUsername(PERSON.username))?.id ?? '';

  async function addPasskey(
    browser = createVisitor(origin()),
    name = 'Laptop',
  ): Promise<SoftwareAuthenticator> {
    if (browser.sessionCookie() === '') await passIn(browser);
    const made = createSoftwareAuthenticator(origin());
    const { sealed, options } = await begin(browser, PASSKEYS);
    const _csrf = await browser.csrfTokenOf(PASSKEYS);
    const answer = await send(browser, PASSKEYS, { sealed, credential: made.create(options), name, _csrf });
    expect(answer.status, answer.text).toBeLessThan(400);
    return made;
  }

  /** By the passkey, where there is one already. */
  async function passIn(browser: Visitor): Promise<void> {
    if (passkey === undefined) await signIn(browser);
    else expect((await use(browser)).location).toBe('/dashboard');
  }

  async function use(
    browser: Visitor,
    device = passkey,
    fields: Record<string, string> = {},
  ): Promise<Answer> {
    const _csrf = await browser.csrfTokenOf('/auth/login');
    const { sealed, options } = await begin(browser, SIGN_IN);
    device.state.counter += 1;
    return send(browser, SIGN_IN, { sealed, credential: device.use(options), _csrf, ...fields });
  }

  it('sign in alone, are noted, and lead back to where their user was', async () => {
    const answer = await use(visitor, passkey, { returnTo: '/symbols' });
    expect(answer.location).toBe('/symbols');
    expect((await visitor.get('/symbols')).status).toBe(200);
    expect((await events()).at(-1)).toMatchObject({ type: 'login.succeeded', method: 'passkey' });
    const page = await visitor.get(PASSKEYS);
    expect(page.text).toContain('Laptop');
    expect(page.text).toContain('Last used');
    expect((await visitor.get('/profile')).text).toContain('Signed in with a passkey');
  });

  it('are told of on the dashboards of the user’s other sessions, where no mail is sent either', async () => {
    const [here, elsewhere] = [createVisitor(origin()), createVisitor(origin())];
    await passIn(here);
    await passIn(elsewhere);
    const toldOn = async (browser: Visitor) =>
      (await browser.get('/dashboard')).text.match(/A passkey was added, with [\s\S]*?That was not me/g)
        ?.length ?? 0;
    const before = await toldOn(here);
    await addPasskey(here, 'Told of');
    expect([await toldOn(here), await toldOn(elsewhere)]).toEqual([before, before + 1]);
    expect((await here.get(`${PASSKEYS}?notice=added`)).text).toContain('<a href="/sessions">End them</a>');
  });

  it('are renamed by their own user, with a name that the list can show', async () => {
    await passIn(visitor);
    const renaming = `${PASSKEYS}/${passkey.id}/name`;
    expect((await visitor.get(renaming)).text).toContain('value="Laptop"');
    for (const name of ['', ' ', 'x'.repeat(61)]) {
      const refused = await visitor.submit(renaming, { name });
      expect([refused.status, refused.text]).toEqual([
        400,
        expect.stringMatching(/Enter a name|Use at most 60/),
      ]);
    }
    const done = await visitor.submit(renaming, { name: ' Ravi’s <laptop> ' });
    expect(done.location).toBe(`${PASSKEYS}?notice=renamed`);
    const page = await visitor.get(done.location);
    expect(page.text).toContain('The passkey has its new name.');
    expect(page.text).toContain('<strong>Ravi’s &lt;laptop&gt;</strong>');
    expect((await events()).at(-1)).toMatchObject({ name: 'Ravi’s <laptop>', before: 'Laptop' });
    await visitor.submit(renaming, { name: 'Laptop' });
    clock.advance(30 * MINUTE_MS);
    expect(keptFormIn(await visitor.submit(renaming, { name: 'x' }, '/profile'))).toBeDefined();
  });

  it('are both factors: the password alone then asks for one, and no page is asked for again', async () => {
    const answer = await visitor.submit('/auth/login', PERSON);
    expect(answer.location).toBe('/auth/login/totp');
    expect((await visitor.get('/dashboard')).status).toBe(303);
    const page = await visitor.get('/auth/login/totp');
    expect(page.text).toContain('Use your passkey');
    expect((await visitor.submit('/auth/login/totp', { code: '123456' })).status).toBe(401);
    expect((await use(visitor)).location).toBe('/dashboard');
    expect((await visitor.get(PASSKEYS)).status).toBe(200);
  });

  it('count once for each challenge: of two requests at once, on two nodes, one gets in', async () => {
    const _csrf = await visitor.csrfTokenOf('/auth/login');
    const { sealed, options } = await begin(visitor, SIGN_IN);
    passkey.state.counter += 1;
    const fields = { sealed, credential: passkey.use(options), _csrf };
    const before = visitor.sessionCookie();
    const other = createVisitor(node(1).origin);
    other.useSessionCookie(before);
    const answers = await Promise.all([
      send(visitor, SIGN_IN, fields),
      other.post(SIGN_IN, fields, { Origin: origin() }),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 401]);
    const late = createVisitor(origin());
    late.useSessionCookie(before);
    expect((await late.post(SIGN_IN, fields, { Origin: origin() })).status).toBe(401);
  });

  it('answer a challenge for five minutes, in the browser that asked, for what it was asked for', async () => {
    const attempt = async (change: { wait?: number; browser?: Visitor; page?: string } = {}) => {
      const { wait = 0, browser = visitor, page = SIGN_IN } = change;
      const { sealed, options } = await begin(browser, page);
      clock.advance(wait);
      passkey.state.counter += 1;
      const _csrf = await visitor.csrfTokenOf('/auth/login');
      return (await send(visitor, SIGN_IN, { sealed, credential: passkey.use(options), _csrf })).status;
    };
    expect(await attempt({ wait: 5 * MINUTE_MS })).toBe(401);
    expect(await attempt({ browser: createVisitor(origin()) })).toBe(401);
    const elsewhere = createVisitor(origin());
    await use(elsewhere);
    expect(await attempt({ browser: elsewhere, page: '/auth/confirm/passkey' })).toBe(401);
    expect(await attempt({ wait: 5 * MINUTE_MS - 1 })).toBe(303);
  });

  it('are refused in the same words without verification, from another origin or host, unknown, or signed by another key', async () => {
    const tries = async (change: Partial<SoftwareAuthenticator['state']>) => {
      const before = { ...passkey.state };
      Object.assign(passkey.state, change);
      const answer = await use(createVisitor(origin()));
      Object.assign(passkey.state, { ...before, counter: passkey.state.counter });
      return answer;
    };
    const changes = [
      { verifiesUser: false },
      { origin: HOST },
      { rpId: 'trade.example.org' },
      { isSynced: true },
    ];
    for (const change of changes) {
      const answer = await tries(change);
      expect([answer.status, answer.text], JSON.stringify(change)).toEqual([
        401,
        expect.stringContaining('The passkey was not accepted here.'),
      ]);
    }
    const stranger = createSoftwareAuthenticator(origin());
    const unknown = await use(visitor, stranger);
    expect([unknown.status, unknown.text]).toEqual([401, expect.stringContaining('was not accepted here.')]);
    const forged = {
      ...stranger,
      use: (options: never) => stranger.use(options).replaceAll(stranger.id, passkey.id),
    };
    expect((await use(visitor, forged)).status).toBe(401);
    expect((await events()).filter(({ why }) => why === 'passkey').length).toBeGreaterThanOrEqual(6);
    expect((await use(visitor)).status).toBe(303);
  });

  it('are refused and recorded when their counter goes back: a copy', async () => {
    const copy = await addPasskey(undefined, 'Copied key');
    copy.state.counter = 9;
    expect((await use(visitor, copy)).location).toBe('/dashboard');
    copy.state.counter = 8;
    const thief = createVisitor(origin());
    expect((await use(thief, copy)).status).not.toBe(303);
    copy.state.counter = 3;
    expect((await use(thief, copy)).status).toBe(401);
    expect((await thief.get('/dashboard')).status).toBe(303);
    expect((await events()).filter(({ type }) => type === 'passkey.cloned')).toEqual([
      expect.objectContaining({ name: 'Copied key', userId: await userId() }),
      expect.objectContaining({ name: 'Copied key' }),
    ]);
  });

  it('confirm for a form that was sent too late, which is then carried out', async () => {
    await use(visitor);
    const _csrf = await visitor.csrfTokenOf('/settings');
    clock.advance(30 * MINUTE_MS);
    const renaming = `${PASSKEYS}/${passkey.id}/name`;
    const asked = await send(visitor, renaming, { name: 'Late', _csrf });
    const { sealed, options } = await begin(visitor, '/auth/confirm/passkey');
    passkey.state.counter += 1;
    const fields = { sealed, credential: passkey.use(options), _csrf, keptForm: keptFormIn(asked) ?? '' };
    const confirmed = await send(visitor, '/auth/confirm/passkey', fields);
    expect([confirmed.status, confirmed.location]).toEqual([307, renaming]);
    expect((await send(visitor, renaming, fields)).location).toBe(`${PASSKEYS}?notice=renamed`);
    expect((await visitor.get(PASSKEYS)).text).toContain('<strong>Late</strong>');
    await visitor.submit(renaming, { name: 'Laptop' });
  });

  it('confirm who it is, of their own user alone', async () => {
    await use(visitor);
    clock.advance(30 * MINUTE_MS);
    expect((await visitor.get(PASSKEYS)).location).toContain('/auth/confirm');
    const confirm = async (device: SoftwareAuthenticator) => {
      const _csrf = await visitor.csrfTokenOf('/auth/confirm');
      const { sealed, options } = await begin(visitor, '/auth/confirm/passkey');
      device.state.counter += 1;
      const credential = device.use(options);
      return send(visitor, '/auth/confirm/passkey', { sealed, credential, _csrf, returnTo: PASSKEYS });
    };
    expect((await confirm(createSoftwareAuthenticator(origin()))).status).toBe(403);
    expect((await visitor.get(PASSKEYS)).status).toBe(303);
    expect((await confirm(passkey)).location).toBe(PASSKEYS);
    expect((await visitor.get(PASSKEYS)).status).toBe(200);
    const types = (await events()).map(({ type }) => type);
    expect(types.slice(-2)).toEqual(['identity.not_confirmed', 'identity.confirmed']);
    const change = {
      currentPassword: PERSON.password,
      newPassword: 'another-quiet-harbour-7',
      others: 'keep',
    };
    expect((await visitor.submit('/profile/password', change)).location).toContain('notice=keep');
    const back = { ...change, currentPassword: change.newPassword, newPassword: PERSON.password };
    expect((await visitor.submit('/profile/password', back)).location).toContain('notice=keep');
  });

  it('are asked for by a session that signed in before there was one', async () => {
    const account = { username: `kiran-${stores.length}`, password: PERSON.password };
    const { userAdmin } = node().services.accounts;
    await userAdmin.create({ ...account, email: 'k@example.org', role: 'user' }, { actor: 'cli' });
    const [before, owner] = [createVisitor(origin()), createVisitor(origin())];
    for (const browser of [before, owner]) await signIn(browser, account);
    const early = createVisitor(node(1).origin);
    early.useSessionCookie(before.sessionCookie());
    const added = await addPasskey(owner);
    expect((await owner.get(PASSKEYS)).status).toBe(200);
    const removal = `${PASSKEYS}/${added.id}/removal`;
    const _csrf = await early.csrfTokenOf('/settings');
    const sendEarly = (path: string, fields: Record<string, string>) =>
      early.post(path, { ...fields, _csrf }, { Origin: origin() });
    const keptForm = keptFormIn(await sendEarly(removal, {})) ?? '';
    expect((await early.get(PASSKEYS)).location).toContain('/auth/confirm');
    expect((await sendEarly('/auth/confirm', { password: account.password, keptForm })).status).toBe(403);

    const { sealed, options } = await begin(early, '/auth/confirm/passkey');
    added.state.counter += 1;
    const fields = { sealed, credential: added.use(options), keptForm };
    expect((await sendEarly('/auth/confirm/passkey', fields)).location).toBe(removal);
    expect((await sendEarly(removal, fields)).location).toBe(`${PASSKEYS}?notice=removed`);
  });

  it('come with recovery codes, which go with the last factor', async () => {
    const raviName = `ravi-${stores.length}`;
    const { userAdmin } = node().services.accounts;
    const account = {
      username: raviName,
      email: 'r@example.org',
      role: 'user',
      password: PERSON.password,
    } as const;
    const made = await userAdmin.create(account, { actor: 'cli' });
    if (made.kind !== 'created') throw new Error(made.kind);
    const ravi = createVisitor(origin());
    await signIn(ravi, account);
    const device = createSoftwareAuthenticator(origin());
    const { sealed, options } = await begin(ravi, PASSKEYS);
    const _csrf = await ravi.csrfTokenOf(PASSKEYS);
    const shown = await send(ravi, PASSKEYS, {
      sealed,
      credential: device.create(options),
      name: 'Key',
      _csrf,
    });
    const [code = ''] = [...shown.text.matchAll(/<code>((?:[a-z2-9]{4}-){5}[a-z2-9]{4})<\/code>/g)].map(
      ([, text]) => text ?? '',
    );
    expect(code).not.toBe('');
    const elsewhere = createVisitor(origin());
    await elsewhere.submit('/auth/login', account);
    expect((await elsewhere.submit('/auth/login/totp', { code })).location).toBe('/dashboard');
    expect(
      (
        await send(elsewhere, `${PASSKEYS}/${passkey.id}/removal`, {
          _csrf: await elsewhere.csrfTokenOf('/profile'),
        })
      ).status,
    ).toBe(404);
    const foreign = await elsewhere.submit(`${PASSKEYS}/${passkey.id}/name`, { name: 'Mine' }, '/profile');
    expect(foreign.status).toBe(404);
    const removal = `${PASSKEYS}/${device.id}/removal`;
    expect((await ravi.get(removal)).text).toContain('your recovery codes stop working too');
    expect((await ravi.submit(removal)).location).toContain('notice=removed');
    expect(await node().services.accounts.secondFactor.stateOf(made.user.id)).toMatchObject({
      passkeys: 0,
      recoveryCodesLeft: 0,
    });
    expect((await use(createVisitor(origin()), device)).status).toBe(401);
    expect((await signIn(createVisitor(origin()), account)).location).toBe('/dashboard');
  });

  it('sign nobody in whose account is disabled, nor after an administrator has reset the factors', async () => {
    const account = {
      username: `meera-${stores.length}`,
      email: 'm@example.org',
      role: 'user',
      password: PERSON.password,
    } as const;
    const { userAdmin } = node().services.accounts;
    await userAdmin.create(account, { actor: 'cli' });
    const meera = createVisitor(origin());
    await signIn(meera, account);
    const device = await addPasskey(meera);
    await userAdmin.disable(account.username, { actor: 'cli' });
    expect((await use(createVisitor(origin()), device)).status).toBe(401);
    await userAdmin.enable(account.username, { actor: 'cli' });
    expect((await use(createVisitor(origin()), device)).status).toBe(303);
    expect(await userAdmin.resetFactors(account.username, { actor: 'cli' })).toMatchObject({ kind: 'reset' });
    expect((await events()).at(-1)).toMatchObject({ type: 'passkeys.reset', passkeys: 1 });
    expect((await use(createVisitor(origin()), device)).status).toBe(401);
  });

  it('are in the database without a secret: neither a challenge nor what was sealed', async () => {
    const { sealed, options } = await begin(visitor, SIGN_IN);
    await use(createVisitor(origin()));
    const { db } = node().infrastructure.database;
    const rows = [
      await db.selectFrom('passkeys').selectAll().execute(),
      await db.selectFrom('single_uses').selectAll().execute(),
    ];
    const stored = JSON.stringify(rows);
    for (const secret of [sealed, options.challenge]) expect(stored).not.toContain(secret);
    expect(nodes.map((each) => each.logText()).join('')).not.toContain(options.challenge);
  });
});
