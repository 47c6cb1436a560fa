import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { HOUR_MS, MINUTE_MS } from '../../src/core/duration.ts';
import { createDatabase } from '../support/postgres-server.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import {
  type Answer,
  connectSandbox,
  createVisitor,
  PERSON,
  setUp,
  signIn,
  type Visitor,
} from '../support/visitor.ts';
import { MORNING } from './broker-world.ts';

const WAYS = [
  ['embedded on SQLite', async (folder: string) => ({ DATABASE_URL: `sqlite:${join(folder, 'curfew.db')}` })],
  [
    'on Redis and Postgres',
    async () => ({
      DATABASE_URL: await createDatabase({ url: inject('postgresUrl') }),
      REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
    }),
  ],
] as const;

describe.each(WAYS)('A connection that is kept until the cutoff, %s,', (_name, createEnv) => {
  let clock: SettableClock;
  let scratch: { readonly path: string; remove(): void };
  let env: Record<string, string>;
  let nodes: TestServer[];
  let visitor: Visitor;
  let userId: string;

  beforeEach(async () => {
    clock = createSettableClock(MORNING);
    scratch = createScratchDirectory('held');
    env = { ...(await createEnv(scratch.path)), SESSION_IDLE_TIMEOUT: '30m' };
    nodes = [];
    const node = await startNode();
    visitor = createVisitor(node.origin);
    await setUp(visitor);
    await signIn(visitor);
    await connectSandbox(visitor);
    userId = (
      await node.infrastructure.database.db.selectFrom('users').select('id').executeTakeFirstOrThrow()
    ).id;
  });
  afterEach(async () => {
    for (const node of nodes) await node.close();
    scratch.remove();
  });

  /** Its BASE_URL is the first node's: the issuer is one and the same for all. */
  async function startNode(): Promise<TestServer> {
    const first = nodes[0]?.origin;
    const node = await startTestServer({
      clock,
      env: first === undefined ? env : { ...env, BASE_URL: first },
    });
    nodes.push(node);
    return node;
  }
  const hold = (hold: 'cutoff' | 'session' = 'cutoff'): Promise<Answer> =>
    visitor.submit('/broker/sandbox/hold', { hold }, '/broker');
  const readOn = async (node = nodes[0]) =>
    (await node?.services.brokers.reader.accessToken(userId, 'sandbox'))?.kind;
  const whyNot = async (node = nodes[0]) => {
    const reading = await node?.services.brokers.reader.accessToken(userId, 'sandbox');
    return reading?.kind === 'reauth_required' ? reading.why : reading?.kind;
  };
  async function endIdle(node = nodes[0]): Promise<void> {
    clock.advance(31 * MINUTE_MS);
    await node?.services.sessions.idleWatch.run();
    expect((await visitor.get('/dashboard')).location).toContain('reason=idle');
  }
  const receipts = async (): Promise<string> => {
    const { db } = nodes[0]?.infrastructure.database ?? {};
    const rows = await db?.selectFrom('revocations').select('receipt').where('reason', '=', 'idle').execute();
    return JSON.stringify(rows?.map(({ receipt }) => JSON.parse(receipt)));
  };

  it('goes on when its last session was idle, with the receipt saying so, and ends at the cutoff', async () => {
    expect((await hold()).location).toBe('/broker?notice=held');
    await endIdle();
    expect(await readOn()).toBe('token');
    expect(await receipts()).toContain('sandbox access token kept until the cutoff at the latest');
    clock.set('2026-11-21T03:00:00+05:30');
    expect(await whyNot()).toBe('cutoff');
    await nodes[0]?.services.revocation.sweep.runIfDue();
    const rows = await nodes[0]?.infrastructure.database.db
      .selectFrom('broker_tokens')
      .select(['is_revoked', 'revoke_reason', 'access_token'])
      .execute();
    expect(rows).toEqual([{ is_revoked: 1, revoke_reason: 'cutoff', access_token: null }]);
  });

  it('ends with the last session where it is not kept, or no longer', async () => {
    await hold('cutoff');
    expect((await hold('session')).location).toBe('/broker?notice=not_held');
    await endIdle();
    expect(await whyNot()).toBe('idle');
  });

  it('is renewed without anybody, and outlives a restart', async () => {
    await hold();
    await endIdle();
    clock.advance(HOUR_MS - 36 * MINUTE_MS);
    expect(await nodes[0]?.services.brokers.refresher.drain()).toMatchObject({ refreshed: 1 });
    clock.advance(30 * MINUTE_MS);
    const second = await startNode();
    expect(await readOn(second)).toBe('token');
  });

  it('goes on on every node when one of them ended the last session', async () => {
    const second = await startNode();
    await hold();
    expect(await readOn(second)).toBe('token');
    await endIdle(second);
    expect(await readOn(nodes[0])).toBe('token');
    expect(await readOn(second)).toBe('token');
  });

  it('is asked about when the last device signs out, and goes on or ends as its owner says', async () => {
    await hold();
    const asked = await visitor.submit('/auth/logout', {}, '/dashboard');
    expect(asked.location).toBe('/auth/logout');
    const page = await visitor.get('/auth/logout');
    expect(page.text).toContain('Sign out and keep Practice broker connected');
    expect(await readOn()).toBe('token');
    await visitor.submit('/auth/logout', { everywhere: 'no' });
    expect((await visitor.get('/dashboard')).location).toContain('/auth/login');
    expect(await readOn()).toBe('token');

    await signIn(visitor);
    expect((await visitor.get('/broker')).text).toContain('Kept until the cutoff');
    await visitor.submit('/auth/logout', { everywhere: 'yes' });
    expect(await whyNot()).toBe('logged_out_everywhere');
  });

  it('is not asked about while another device stays signed in', async () => {
    await hold();
    const other = createVisitor(nodes[0]?.origin ?? '');
    await signIn(other);
    expect((await other.submit('/auth/logout', {}, '/dashboard')).location).toBe(
      '/auth/login?reason=logged_out',
    );
  });

  it.each(['ended_by_admin', 'account_disabled', 'password_changed', 'logged_out_everywhere'] as const)(
    'ends when all of its owner’s ends: %s',
    async (reason) => {
      await hold();
      await nodes[0]?.services.sessions.lifecycle.endAccount(userId, reason, { actor: 'test' });
      expect(await whyNot()).toBe(reason);
    },
  );

  it('ends when its owner disconnects it, and keeps the choice for the next one', async () => {
    await hold();
    await visitor.submit('/broker/sandbox/disconnection', {}, '/broker');
    expect(await whyNot()).toBe('disconnected');
    await connectSandbox(visitor);
    await endIdle();
    expect(await readOn()).toBe('token');
  });

  it('stays dead where an earlier revocation has not reached it yet', async () => {
    await hold();
    // As a node that died between giving the order and carrying it out leaves it.
    await nodes[0]?.services.revocation.revocations.openAccount(userId, 'password_changed');
    await nodes[0]?.services.revocation.revocations.openAccount(userId, 'idle');
    expect(await whyNot()).toBe('ended');
  });
});

describe('What Connect proposes', () => {
  it('comes from BROKER_HOLD, and from a ticked box first', async () => {
    const server = await startTestServer({ env: { BROKER_HOLD: 'cutoff' } });
    try {
      const visitor = createVisitor(server.origin);
      await setUp(visitor);
      await signIn(visitor, PERSON);
      expect((await visitor.get('/broker')).text).toMatch(/name="hold" value="cutoff"[^>]* checked/);
      await connectSandbox(visitor);
      expect((await visitor.get('/broker')).text).toContain('Kept until the cutoff');
      const start = await visitor.submit('/broker/sandbox/connection', { hold: ['session'] }, '/broker');
      expect(start.status).toBe(303);
      const rows = await server.infrastructure.database.db
        .selectFrom('broker_authorizations')
        .select('is_held')
        .execute();
      expect(rows).toEqual([{ is_held: 0 }]);
    } finally {
      await server.close();
    }
  });
});
