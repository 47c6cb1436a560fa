import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterEach, describe, expect, test } from 'vitest';
import { timeUntil } from '../support/eventually.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { startRedis } from '../support/redis-server.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { type Answer, createVisitor, PERSON, type Visitor } from '../support/visitor.ts';

const ANSWERS_WITHIN_MS = 2000;
const RECOVERS_WITHIN_MS = 20_000;
const { username, password } = PERSON;

/** Undone in turn, the last first. */
const atEnd: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of atEnd.splice(0).reverse()) await undo();
});

/** A server that has somebody's account and, as one that listens by itself has, its list of bans. */
async function startWith(env: Readonly<Record<string, string>>): Promise<TestServer> {
  const server = await startTestServer({ env });
  atEnd.push(() => server.close());
  const made = await server.services.accounts.userAdmin.create(
    { ...PERSON, role: 'admin' },
    { actor: 'test' },
  );
  expect(made.kind).toBe('created');
  await server.services.bans.load();
  return server;
}

async function timed(ask: () => Promise<Answer>): Promise<Answer & { readonly ms: number }> {
  const startedAt = performance.now();
  const answer = await ask();
  return { ...answer, ms: performance.now() - startedAt };
}

/** The form comes, again and again; sending it does not sign anybody in, and the answer says to try again. */
async function expectFormWithoutSignIn({ origin }: TestServer): Promise<Answer> {
  const visitor = createVisitor(origin);
  let _csrf = '';
  for (let each = 0; each < 3; each += 1) {
    const form = await timed(() => visitor.get('/auth/login'));
    expect(form.status).toBe(200);
    expect(form.ms).toBeLessThan(ANSWERS_WITHIN_MS);
    _csrf = /name="_csrf" value="([^"]+)"/.exec(form.text)?.[1] ?? '';
    expect(_csrf).not.toBe('');
  }
  expect((await timed(() => visitor.get('/'))).status).toBe(200);
  const cookie = visitor.sessionCookie();
  const answer = await post(visitor, origin, _csrf);
  expect(answer.status).toBe(503);
  expect(answer.headers['retry-after']).toMatch(/^\d+$/);
  expect(answer.headers['set-cookie']).toBeUndefined();
  expect(visitor.sessionCookie()).toBe(cookie);
  return answer;
}

const post = (visitor: Visitor, origin: string, _csrf: string): Promise<Answer> =>
  visitor.post('/auth/login', { username, password, _csrf }, { Origin: origin });

describe('the sign-in form', () => {
  test.each(['paused', 'killed'] as const)(
    'comes while Redis is %s, and goes through afterwards',
    async (how) => {
      const redis = await startRedis();
      atEnd.push(() => redis.stop());
      const server = await startWith({ REDIS_URL: redis.url });
      const visitor = createVisitor(server.origin);
      const _csrf = await visitor.csrfTokenOf('/auth/login');

      if (how === 'paused') redis.pause();
      else await redis.kill();
      await expectFormWithoutSignIn(server);
      if (how === 'paused') redis.resume();
      else await redis.restart();

      server.services.jobs.start();
      await timeUntil(
        'the form of before signs in',
        async () => (await post(visitor, server.origin, _csrf)).location === '/dashboard',
        { withinMs: RECOVERS_WITHIN_MS },
      );
      expect((await visitor.get('/dashboard')).status).toBe(200);
    },
  );

  test('signs nobody in at a Redis that is back and not yet brought up to date', async () => {
    const redis = await startRedis();
    atEnd.push(() => redis.stop());
    const server = await startWith({ REDIS_URL: redis.url });
    await redis.kill();
    await redis.restart();
    const answers = async () => (await server.infrastructure.redis?.ping().catch(() => '')) === 'PONG';
    await timeUntil('Redis is back', answers, { withinMs: RECOVERS_WITHIN_MS });
    // The jobs of this server do not run, so nothing opens the gate.
    expect(server.infrastructure.gate?.isOpen()).toBe(false);
    await expectFormWithoutSignIn(server);
    expect(await server.infrastructure.redis?.keys('curfew:sess:*')).toEqual([]);
  });

  test.each(['paused', 'killed'] as const)('comes while Postgres is %s', async (how) => {
    const postgres = await startPostgres();
    atEnd.push(() => postgres.stop());
    const server = await startWith({ DATABASE_URL: postgres.url });
    if (how === 'paused') postgres.pause();
    else await postgres.kill();
    await expectFormWithoutSignIn(server);
    if (how === 'paused') postgres.resume();
    else await postgres.restart();
    await timeUntil(
      'signing in works',
      async () =>
        (await createVisitor(server.origin).submit('/auth/login', { username, password })).status === 303,
      { withinMs: RECOVERS_WITHIN_MS },
    );
  });

  test('comes at once while another process has locked the SQLite file', async () => {
    const directory = createScratchDirectory('login-form');
    atEnd.push(() => directory.remove());
    const file = join(directory.path, 'curfew.db');
    const server = await startWith({ DATABASE_URL: `sqlite:${file}` });
    const other = new SqliteDatabase(file);
    atEnd.push(() => other.close());
    other.exec('begin exclusive');
    await expectFormWithoutSignIn(server);

    // Nothing waited for the lock, which takes a second of everybody's time.
    const forms = await Promise.all(
      Array.from({ length: 20 }, () => timed(() => createVisitor(server.origin).get('/auth/login'))),
    );
    expect(forms.map(({ status }) => status)).toEqual(Array(20).fill(200));
    for (const { ms } of forms) expect(ms).toBeLessThan(ANSWERS_WITHIN_MS / 2);

    other.exec('rollback');
    expect((await createVisitor(server.origin).submit('/auth/login', { username, password })).location).toBe(
      '/dashboard',
    );
  });
});
