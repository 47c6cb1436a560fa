import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createApp } from '../../src/app.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createKeyRing } from '../../src/storage/key-ring.ts';
import { createLinkSeal } from '../../src/telegram/link-seal.ts';
import { createApiClient, makeKey } from '../api/api-client.ts';
import { makeStrategy, send, signed } from '../strategies/trader.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { type DeclaredRoute, listRoutes } from '../support/route-list.ts';
import { createSecretHunt, type SecretHunt } from '../support/secret-hunt.ts';
import { createSoftwareAuthenticator } from '../support/software-authenticator.ts';
import { startTelegramServer, type TelegramServer } from '../support/telegram-server.ts';
import { startTestServer, TEST_SECRETS, type TestServer } from '../support/test-server.ts';
import { totpCode } from '../support/totp-code.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';

const WAYS: readonly (readonly [string, () => Promise<Record<string, string>>])[] = [
  ['on SQLite', async () => ({})],
  [
    'on Postgres and Redis',
    async () => ({
      DATABASE_URL: await createPostgresDatabase(),
      REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
    }),
  ],
];

/** What a part of a path stands for where it is no secret. Whatever else a route names gets a word that fits nothing. */
const PATH_WORDS: Readonly<Record<string, string>> = { broker: 'zerodha' };
/** Parts of paths that are secrets. */
const SECRET_PARTS: ReadonlySet<string> = new Set(['webhookId', 'token']);

/** Names under which secrets are sent in fields, of this server's forms and of protocols that it speaks. */
const SECRET_FIELDS = [
  'password',
  'currentPassword',
  'newPassword',
  'code',
  'botToken',
  'apiKey',
  'apiSecret',
  'appId',
  'secretId',
  'clientSecret',
  'client_secret',
  'access_token',
  'refresh_token',
  'code_verifier',
  'token',
  'secret',
  'state',
] as const;

/** So that forms get further than to what is missing in them. */
const PLAIN_FIELDS = {
  username: 'somebody',
  email: 'somebody@example.org',
  role: 'user',
  name: 'A name',
  address: '203.0.113.200',
  length: '24h',
  note: 'A note',
  confirmed: 'yes',
  decision: 'allow',
} as const;

/** Where a session's id is meant to be. The cookie is that with a signature, and is nowhere. */
const COLUMNS_OF_SESSION_IDS = ['sessions.sid', 'session_endings.sid', 'revocations.scope'];

describe.each(WAYS)('secrets that are sent to the server, %s', (_name, settings) => {
  let telegram: TelegramServer;
  let mail: MailServer;
  let server: TestServer;
  let admin: Visitor;
  let hunt: SecretHunt;
  let env: Record<string, string>;
  let person: { username: string; password: string; email: string };

  beforeEach(async () => {
    hunt = createSecretHunt();
    telegram = await startTelegramServer(systemClock);
    mail = await startMailServer();
    env = await settings();
    server = await startTestServer({
      // Passkeys want a name.
      hostname: 'localhost',
      env: {
        SMTP_URL: mail.url,
        MAIL_FROM: 'curfew@example.com',
        TELEGRAM_API_URL: telegram.url,
        // Each request may come from an address of its own, so that none is banned for what the others did.
        TRUST_PROXY: '127.0.0.1',
        TRAFFIC_LOG_ADDRESSES: 'full',
        LOG_LEVEL: 'trace',
        PAGE_RATE_LIMIT: '100000/minute',
        SECURITY_RATE_LIMIT: '100000/minute',
        POLL_RATE_LIMIT: '100000/minute',
        ...env,
      },
    });
    admin = createVisitor(server.origin);
    person = { username: 'asha', password: hunt.marker('the password'), email: 'asha@example.org' };
    await setUp(admin, person);
    await enter();
  });
  afterEach(async () => {
    await server.close();
    await telegram.close();
    await mail.close();
  });

  /** Signs in, and remembers what the browser got. */
  async function enter(): Promise<void> {
    await signIn(admin, person);
    const cookie = decodeURIComponent(admin.sessionCookie());
    hunt.add('a session cookie', cookie);
    hunt.add('the signature of a session cookie', cookie.split('.').at(-1) ?? '');
    hunt.add('a session id', cookie.slice('s:'.length, cookie.lastIndexOf('.')), COLUMNS_OF_SESSION_IDS);
  }

  async function expectNowhere(): Promise<void> {
    await server.services.traffic.trafficLog.flush();
    const log = server.logText();
    const metrics = await (await fetch(`${server.origin}/metrics`)).text();
    expect(log).toContain('/auth/login');
    expect(metrics).toContain('curfew_');
    const { db } = server.infrastructure.database;
    expect((await db.selectFrom('traffic_log').select('path').execute()).length).toBeGreaterThan(3);
    expect((await db.selectFrom('audit_log').select('type').execute()).length).toBeGreaterThan(1);
    expect([
      ...hunt.inText(log, 'the log'),
      ...hunt.inText(metrics, 'the metrics'),
      ...(await hunt.inDatabase(server.infrastructure.database)),
      ...(env['REDIS_URL'] === undefined ? [] : await inRedisBut(env['REDIS_URL'])),
    ]).toEqual([]);
  }

  /** In Redis a session's id is the name of its key. */
  async function inRedisBut(url: string) {
    return (await hunt.inRedis(url)).filter(({ secret }) => secret !== 'a session id');
  }

  it('are in no log line, row or metric, whichever route they are sent to', async () => {
    const routes = listRoutes(createApp(server.services));
    expect(routes.length).toBeGreaterThan(80);
    expect(routes.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        '/setup',
        '/auth/login',
        '/api/v1/webhooks/:webhookId',
        '/users',
        '/telegram/bot',
      ]),
    );
    const fields = await secretFields(routes);
    const statuses = new Map<number, number>();
    let serial = 0;
    for (const route of routes)
      for (const method of route.methods) {
        serial += 1;
        for (const status of await sendEverything(
          route,
          method,
          fields,
          `198.18.${serial >> 8}.${serial & 255}`,
        ))
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    // Most of it got as far as a handler, or nothing would be shown.
    expect(statuses.get(429) ?? 0).toBeLessThan(serial / 10);
    expect(statuses.get(303) ?? 0).toBeGreaterThan(10);
    expect(statuses.get(400) ?? 0).toBeGreaterThan(20);
    expect(hunt.size).toBeGreaterThan(500);
    const types = await server.infrastructure.database.db
      .selectFrom('audit_log')
      .select('type')
      .distinct()
      .execute();
    expect(types.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['broker.credentials_saved', 'login.failed', 'ban.added', 'session.ended']),
    );
    await expectNowhere();
  }, 180_000);

  /** The known ones, and every input for a password or a code that a page shows. */
  async function secretFields(routes: readonly DeclaredRoute[]): Promise<readonly string[]> {
    const names = new Set<string>(SECRET_FIELDS);
    for (const { path, methods } of routes) {
      if (!methods.includes('GET') || path.includes(':')) continue;
      const { text } = await admin.get(path);
      for (const [input] of text.matchAll(/<input[^>]*>/g)) {
        const [, name] = /name="([^"]+)"/.exec(input) ?? [];
        if (name !== undefined && /type="password"|autocomplete="one-time-code"/.test(input)) names.add(name);
      }
    }
    return [...names];
  }

  /** As a form, as JSON, as JSON that cannot be read, and as a form with a file. */
  async function sendEverything(
    { path }: DeclaredRoute,
    method: string,
    names: readonly string[],
    address: string,
  ): Promise<readonly number[]> {
    if ((await admin.get('/auth/session')).status !== 200) await enter();
    const csrf = await admin.csrfTokenOf('/dashboard');
    hunt.add('a CSRF token', csrf);
    const marker = (what: string): string => hunt.marker(`${what} to ${method} ${path}`);
    const place = path.replace(/:(\w+)/g, (_all, name: string) =>
      SECRET_PARTS.has(name) ? marker(`:${name}`) : (PATH_WORDS[name] ?? 'nothing'),
    );
    const cookie = `curfew=${encodeURIComponent(decodeURIComponent(admin.sessionCookie()))}`;
    const statuses: number[] = [];

    async function ask(body?: RequestInit['body'], type?: string, token = csrf): Promise<void> {
      const query = new URLSearchParams({
        token: marker('?token'),
        api_key: marker('?api_key'),
        code: marker('?code'),
        state: marker('?state'),
        password: marker('?password'),
        _csrf: marker('?_csrf'),
      });
      const answer = await fetch(`${server.origin}${place}?${query}`, {
        method,
        redirect: 'manual',
        signal: AbortSignal.timeout(10_000),
        ...(body === undefined ? {} : { body }),
        headers: {
          ...(type === undefined ? {} : { 'Content-Type': type }),
          Accept: 'text/html',
          Authorization: `Bearer ${marker('Authorization')}`,
          Cookie: `${cookie}; other=${marker('a cookie')}`,
          Origin: server.origin,
          Referer: `${server.origin}/broker?code=${marker('Referer')}`,
          'X-Forwarded-For': address,
          'X-Csrf-Token': token,
          'X-Curfew-Signature': `sha256=${marker('a signature')}`,
          'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0',
        },
      });
      await answer.arrayBuffer();
      statuses.push(answer.status);
    }

    const filled = (): Record<string, string> => ({
      ...PLAIN_FIELDS,
      ...Object.fromEntries(names.map((name) => [name, marker(`the field ${name}`)])),
    });
    if (method === 'GET') {
      await ask();
      return statuses;
    }
    await ask(new URLSearchParams({ ...filled(), _csrf: csrf }));
    await ask(new URLSearchParams({ ...filled(), _csrf: marker('the field _csrf') }), undefined, '');
    await ask(JSON.stringify({ ...filled(), _csrf: csrf }), 'application/json');
    await ask(`{"password": "${marker('broken JSON')}`, 'application/json');
    const form = new FormData();
    for (const [name, value] of Object.entries({ _csrf: csrf, ...filled() })) form.append(name, value);
    form.append('file', new Blob([`${marker('a file')}\n`]), 'file.csv');
    await ask(form);
    return statuses;
  }

  it('are in none of them when they are good ones that the server keeps', async () => {
    // What somebody mistypes, under a name that exists and one that does not.
    const stranger = createVisitor(server.origin);
    for (const username of ['asha', 'nobody'])
      await stranger.submit('/auth/login', { username, password: hunt.marker('a wrong password') });

    // Keys of a broker's app, and the practice broker's whole way.
    await admin.submit('/broker/zerodha/credentials', {
      apiKey: hunt.marker('the app key'),
      apiSecret: hunt.marker('the app secret'),
    });
    await connectSandbox(admin);
    const { id: userId } = await server.infrastructure.database.db
      .selectFrom('users')
      .select('id')
      .executeTakeFirstOrThrow();
    const tokens = server.services.brokers.reader;
    for (const reading of [
      await tokens.accessToken(userId, 'sandbox'),
      await tokens.feedToken(userId, 'sandbox'),
    ]) {
      if (reading.kind !== 'token') throw new Error('There is no token');
      hunt.add('a broker token', reading.token);
    }

    // An API key, in both headers, in an address by mistake, and one that is only nearly right.
    const { key } = await makeKey(admin);
    hunt.add('an API key', key);
    hunt.add('the secret of an API key', key.split('_').slice(2).join('_'));
    expect((await createApiClient(server.origin, key).ask('/api/v1/session')).status).toBe(200);
    await createApiClient(server.origin, undefined, { 'X-API-Key': key }).ask('/api/v1/broker/sandbox/token');
    await createApiClient(server.origin, undefined).ask(`/api/v1/session?api_key=${key}`);
    await createApiClient(server.origin, undefined).ask(`/api/v1/${key}`);
    const wrong = `${key.slice(0, -4)}AAAA`;
    hunt.add('a wrong API key', wrong);
    expect((await createApiClient(server.origin, wrong).ask('/api/v1/session')).status).toBe(401);

    // A webhook with a signing secret.
    const { path, webhook } = await makeStrategy(admin);
    hunt.add('the id of a webhook', webhook.split('/').at(-1) ?? '');
    const secret =
      /cws_[\w-]{43}/.exec((await admin.submit(`${path}/signing-secret`, {}, path)).text)?.[0] ?? '';
    hunt.add('a signing secret', secret);
    const headers = signed(secret, 'BUY NSE:SBIN', Date.now());
    hunt.add('a signature', headers['X-Curfew-Signature'] ?? '');
    await send(webhook, 'BUY NSE:SBIN', headers);
    await send(webhook, 'BUY NSE:SBIN', { ...headers, 'X-Curfew-Signature': `sha256=${'0'.repeat(64)}` });
    await send(`${webhook}/`, 'BUY NSE:SBIN');
    await send(`${webhook.slice(0, -1)}%${webhook.at(-1)?.charCodeAt(0).toString(16)}`, 'BUY NSE:SBIN');

    // A bot that exists, one that does not, and Telegram saying nothing sensible.
    const botToken = `700100200:${hunt.marker('the token of a bot')}aaaaa`;
    telegram.addBot(botToken, 'curfew_bot');
    await admin.submit(
      '/telegram/bot',
      { botToken: `700100201:${hunt.marker('no bot’s token')}aaaaa` },
      '/telegram',
    );
    telegram.answerNext('getMe', 'garbage');
    await admin.submit(
      '/telegram/bot',
      { botToken: `700100202:${hunt.marker('another token')}aaaaa` },
      '/telegram',
    );
    await admin.submit('/telegram/bot', { botToken }, '/telegram');
    await admin.submit('/telegram/chat', { chatId: '4711' }, '/telegram');
    telegram.answerNext('sendMessage', 'hang up');
    await admin.submit('/telegram/test', {}, '/telegram');
    await server.services.telegram.queue.drain?.();

    // Out, and in again.
    await admin.submit('/auth/logout', { everywhere: 'yes' }, '/dashboard');
    await enter();

    const { db } = server.infrastructure.database;
    const [user] = await db.selectFrom('users').select('password_hash').execute();
    expect(user?.password_hash).toMatch(/^\$argon2id\$/);
    for (const [table, column] of [
      ['broker_credentials', 'value'],
      ['strategies', 'webhook_id'],
      ['strategies', 'signing_secret'],
      ['telegram_bots', 'bot_token'],
    ] as const) {
      const rows = (await db.selectFrom(table).selectAll().execute()) as readonly Record<string, unknown>[];
      expect(String(rows[0]?.[column]), `${table}.${column}`).toMatch(/^gAAAAA/);
    }
    await expectNowhere();
  });

  it('are in none of them where they are factors, cookies of sign-ins, or links that work once', async () => {
    const { db } = server.infrastructure.database;
    const keyRing = createKeyRing({ keys: [TEST_SECRETS.ENCRYPTION_KEY], clock: systemClock });
    const botToken = `700100200:${hunt.marker('the token of a bot')}aaaaa`;
    telegram.addBot(botToken, 'curfew_bot');
    telegram.addChat('4711');
    await admin.submit('/telegram/bot', { botToken }, '/telegram');
    await admin.submit('/telegram/chat', { chatId: '4711' }, '/telegram');

    // Whom an administrator makes.
    const ravi = { username: 'ravi', email: 'ravi@example.org', role: 'user' };
    const madeRavi = await admin.submit('/users', ravi, '/users/new');
    hunt.add('a temporary password', /id="temporary-password">([^<]+)</.exec(madeRavi.text)?.[1] ?? '');
    await admin.submit('/profile/email', { email: 'asha@example.net' });

    // An app, a passkey, and recovery codes.
    const page = await admin.get('/profile/second-factor');
    const secret = (/<code>([A-Z2-7 ]{39})<\/code>/.exec(page.text)?.[1] ?? '').replaceAll(' ', '');
    hunt.add('the secret of an app', secret);
    const sealed = /name="sealed" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const code = totpCode(secret);
    const _csrf = await admin.csrfTokenOf('/profile');
    const enrolled = await admin.post(
      '/profile/second-factor',
      { sealed, code, _csrf },
      { Origin: server.origin },
    );
    const codes = [...enrolled.text.matchAll(/<code>((?:[a-z2-9]{4}-){5}[a-z2-9]{4})<\/code>/g)].map(
      ([, each]) => each ?? '',
    );
    expect(codes).toHaveLength(10);
    for (const each of codes) {
      hunt.add('a recovery code', each);
      hunt.add('a recovery code without hyphens', each.replaceAll('-', ''));
    }
    const authenticator = createSoftwareAuthenticator(server.origin);
    const begin = async (visitor: Visitor, path: string) => {
      const answer = await visitor.get(`${path}/options`, { Accept: 'application/json' });
      const ceremony = JSON.parse(answer.text);
      hunt.add('the challenge of a passkey', ceremony.options.challenge);
      return ceremony;
    };
    const registration = await begin(admin, '/profile/passkeys');
    const passkey = { sealed: registration.sealed, credential: authenticator.create(registration.options) };
    const added = await admin.post(
      '/profile/passkeys',
      { ...passkey, name: 'Laptop', _csrf },
      { Origin: server.origin },
    );
    expect(added.status).toBe(303);

    // New devices, by a passkey and by a recovery code, of which the user is told with a link.
    const visitors = [createVisitor(server.origin), createVisitor(server.origin)] as const;
    const [byPasskey, byCode] = visitors;
    const token = await byPasskey.csrfTokenOf('/auth/login');
    const signingIn = await begin(byPasskey, '/auth/login/passkey');
    authenticator.state.counter += 1;
    const credential = authenticator.use(signingIn.options);
    await byPasskey.post(
      '/auth/login/passkey',
      { sealed: signingIn.sealed, credential, _csrf: token },
      { Origin: server.origin },
    );
    await byCode.submit('/auth/login', person);
    hunt.add('the cookie of half a sign-in', byCode.cookie('curfew-pending'));
    await byCode.submit('/auth/login/totp', { code: (codes[0] ?? '').replaceAll('-', '') });
    for (const visitor of visitors) {
      expect((await visitor.get('/dashboard')).status).toBe(200);
      hunt.add('the cookie of a hint', visitor.cookie('curfew-last'));
      hunt.add('the cookie of a device', visitor.cookie('curfew-device'));
    }

    // What waits to be sent, and then what was sent and opened.
    const bodies = (await db.selectFrom('telegram_messages').select('body').execute()).map(({ body }) =>
      createLinkSeal(keyRing.forPurpose('telegram-link'), '').open(body),
    );
    const mails = (await db.selectFrom('mail_messages').select('sealed').execute()).map((row) => {
      const opened = keyRing.forPurpose('mail').decrypt(row.sealed ?? '');
      return opened.kind === 'ok' ? opened.text : '';
    });
    const [inMessages, inMails] = [bodies, mails].map((texts) => [
      ...texts.join('\n').matchAll(/\/auth\/(?:device|email)\/([\w-]+)/g),
    ]);
    expect(inMessages?.length).toBeGreaterThanOrEqual(2);
    expect(inMails?.length).toBeGreaterThanOrEqual(3);
    const links = [...(inMessages ?? []), ...(inMails ?? [])];
    for (const [, each = ''] of links) hunt.add('the token of a link', each);
    await expectNowhere();
    await server.services.mail.queue?.drain();
    await server.services.telegram.queue.drain();
    for (const [path] of links) expect((await createVisitor(server.origin).get(path)).status).toBe(200);
    await expectNowhere();
  });

  it('would be found', async () => {
    const { db } = server.infrastructure.database;
    const planted = hunt.marker('what was planted');
    const { id } = await db.selectFrom('users').select('id').executeTakeFirstOrThrow();
    await db
      .updateTable('users')
      .set({ email: `${planted}@example.org` })
      .where('id', '=', id)
      .execute();
    expect(await hunt.inDatabase(server.infrastructure.database)).toEqual([
      { secret: 'what was planted', place: 'users.email' },
    ]);
    const spelled = Buffer.from(planted).toString('hex');
    expect(hunt.inText(`{"path":"/x/${spelled}"}`, 'the log')).toHaveLength(1);
  });
});
