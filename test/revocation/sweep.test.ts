import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import type { CachedToken } from '../../src/core/cached-values.ts';
import { createSweep } from '../../src/revocation/sweep.ts';
import { createRecordingLog } from '../http/recording-log.ts';
import { openSideDoor, type SideDoor, type SignedIn } from '../sessions/side-door.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const MINUTE_MS = 60_000;
const CUTOFF = Date.parse('2026-11-24T03:00:00+05:30');
const TOKEN: CachedToken = { token: 't', epoch: 0, issuedAt: 0, expiresAt: Number.MAX_SAFE_INTEGER };

type Settings = Readonly<Record<string, string>>;

/** Two nodes that share everything, as the scaled way of running has it; and Postgres alone, which is enough as well. */
const SHARED: readonly (readonly [string, () => Promise<Settings>])[] = [
  ['Postgres', async () => ({ DATABASE_URL: await createPostgresDatabase() })],
  [
    'Postgres and Redis',
    async () => ({
      DATABASE_URL: await createPostgresDatabase(),
      REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
    }),
  ],
];

async function sweepsOf(server: TestServer): Promise<readonly { before: number; status: string }[]> {
  const rows = await server.infrastructure.database.db
    .selectFrom('revocations')
    .select(['scope', 'status'])
    .where('user_id', 'is', null)
    .execute();
  return rows.map(({ scope, status }) => ({
    before: (JSON.parse(scope) as { before: number }).before,
    status,
  }));
}

async function auditOf(server: TestServer, type: string): Promise<readonly Record<string, unknown>[]> {
  const { db } = server.infrastructure.database;
  const rows = await db
    .selectFrom('audit_log')
    .select('detail')
    .where('type', '=', type)
    .orderBy('id')
    .execute();
  return rows.map(({ detail }) => JSON.parse(detail) as Record<string, unknown>);
}

describe.each(SHARED)('the cutoff on two nodes with %s', (_name, settings) => {
  let clock: SettableClock;
  let nodes: readonly TestServer[];
  let doors: readonly SideDoor[];

  beforeEach(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    const env = { ...(await settings()), SESSION_IDLE_TIMEOUT: 'off' };
    nodes = await Promise.all([startTestServer({ clock, env }), startTestServer({ clock, env })]);
    doors = await Promise.all(nodes.map((node) => openSideDoor(node)));
  });
  afterEach(async () => {
    await Promise.all(doors.map((door) => door.close()));
    await Promise.all(nodes.map((node) => node.close()));
  });

  const node = (index: number): TestServer => nodes[index] as TestServer;
  const door = (index: number): SideDoor => doors[index] as SideDoor;
  const sweepAll = () => Promise.all(nodes.map(({ services }) => services.revocation.sweep.runIfDue()));

  it('is carried out once, when both come to it at the same instant', async () => {
    const people: SignedIn[] = [];
    for (let each = 0; each < 10; each += 1) people.push(await door(each % 2).signIn(`user-${each % 4}`));
    await sweepAll();
    expect((await sweepsOf(node(0))).map(({ before }) => before)).toEqual([CUTOFF - 86_400_000]);

    clock.set(CUTOFF);
    const receipts = await sweepAll();
    expect(receipts.filter((receipt) => receipt !== undefined)).toMatchObject([
      { scope: 'sweep', reason: 'cutoff', status: 'done' },
    ]);
    const done = receipts.find((receipt) => receipt !== undefined);
    expect(done?.lines.find(({ step }) => step === 'sessions')).toMatchObject({
      count: 10,
      detail: '4 people',
    });
    expect(await sweepsOf(node(0))).toContainEqual({ before: CUTOFF, status: 'done' });
    expect(await sweepsOf(node(0))).toHaveLength(2);
    expect(await sweepAll()).toEqual([undefined, undefined]);

    for (const [index, person] of people.entries())
      expect((await door(index % 2).who(person)).status).toBe(401);
    const ended = await auditOf(node(0), 'session.ended');
    expect(ended.map(({ userId, sessions }) => [userId, sessions]).sort()).toEqual([
      ['user-0', 3],
      ['user-1', 3],
      ['user-2', 2],
      ['user-3', 2],
    ]);
    const carriedOut = (await auditOf(node(0), 'revocation.carried_out')) as { receipt: { scope: string } }[];
    expect(carriedOut.filter(({ receipt }) => receipt.scope === 'sweep')).toHaveLength(2);
  });

  it('empties the caches of the other node as well', async () => {
    for (const { services } of nodes) services.caches.of.auth.set('asha', 'sandbox', TOKEN);
    clock.set(CUTOFF);
    await node(0).services.revocation.sweep.runIfDue();
    await eventually(() => expect(node(1).services.caches.sizes().auth).toBe(0));
    expect(node(0).services.caches.sizes().auth).toBe(0);
  });

  it('leaves a login of the new day alone, also one that came before the sweep', async () => {
    const stale = await door(0).signIn('asha');
    clock.set(CUTOFF);
    const fresh = await door(1).signIn('asha');
    await sweepAll();
    expect((await door(0).who(stale)).status).toBe(401);
    expect((await door(1).who(fresh)).status).toBe(200);
    expect((await node(0).services.sessions.lifecycle.devicesOf('asha')).map(({ sid }) => sid)).toEqual([
      fresh.sid,
    ]);
  });

  it('is finished by the other node when the first dies over it', async () => {
    const person = await door(0).signIn('asha');
    clock.set(CUTOFF);
    await node(0).services.revocation.revocations.open(
      { kind: 'sweep', before: CUTOFF },
      'cutoff',
      `sweep:${CUTOFF}`,
    );
    expect(await node(1).services.revocation.sweep.runIfDue()).toBeUndefined();
    clock.advance(30_000);
    expect(await node(1).services.revocation.revoker.retryDue()).toBe(1);
    expect((await door(1).who(person)).status).toBe(401);
    expect(await sweepsOf(node(1))).toContainEqual({ before: CUTOFF, status: 'done' });
  });
});

describe('the cutoff of a server', () => {
  let clock: SettableClock;
  let server: TestServer;
  let door: SideDoor;

  async function start(env: Settings = {}, jobs = false): Promise<void> {
    server = await startTestServer({ clock, jobs, env: { SESSION_IDLE_TIMEOUT: 'off', ...env } });
    door = await openSideDoor(server);
  }
  async function stop(): Promise<void> {
    await door.close();
    await server.close();
  }
  const isSignedIn = async (person: SignedIn) => (await door.who(person)).status === 200;
  const storedSessions = () =>
    server.infrastructure.database.db.selectFrom('sessions').select('sid').execute();

  beforeEach(() => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
  });

  it('is due at once where the last one was not carried out, and then at the next', async () => {
    await start();
    const { sweep } = server.services.revocation;
    expect(sweep.dueAt()).toBe(CUTOFF - 86_400_000);
    await sweep.runIfDue();
    expect(sweep.dueAt()).toBe(CUTOFF);
    clock.set(CUTOFF);
    expect(sweep.dueAt()).toBe(CUTOFF);
    await sweep.runIfDue();
    expect(sweep.dueAt()).toBe(CUTOFF + 86_400_000);
    await stop();
  });

  it('is not said to have been carried out by a server that found nothing from before it', async () => {
    await start();
    const { revoker, revocations } = server.services.revocation;
    const log = createRecordingLog();
    const sweep = createSweep({ calendar: server.infrastructure.calendar, revoker, revocations, log });
    await sweep.runIfDue();
    const said = () => log.lines.map(({ message }) => message);
    expect(said()).toEqual([
      'There was nothing to end from before the cutoff of 2026-11-23T03:00:00.000+05:30',
    ]);
    await door.signIn('asha');
    clock.set(CUTOFF);
    await sweep.runIfDue();
    expect(said().at(-1)).toBe('The cutoff of 2026-11-24T03:00:00.000+05:30 was carried out');
    await stop();
  });

  it('is never due where there is none', async () => {
    await start({ SESSION_EXPIRY_TIME: 'off' });
    expect(server.services.revocation.sweep.dueAt()).toBe(Number.POSITIVE_INFINITY);
    expect(await server.services.revocation.sweep.runIfDue()).toBeUndefined();
    expect(await sweepsOf(server)).toEqual([]);
    await stop();
  });

  it('is due again where it could not be stored', async () => {
    await start();
    await server.infrastructure.database.db.schema.alterTable('revocations').renameTo('away').execute();
    await expect(server.services.revocation.sweep.runIfDue()).rejects.toThrow();
    expect(server.services.revocation.sweep.dueAt()).toBe(CUTOFF - 86_400_000);
    await server.infrastructure.database.db.schema.alterTable('away').renameTo('revocations').execute();
    expect(await server.services.revocation.sweep.runIfDue()).toMatchObject({ status: 'done' });
    await stop();
  });

  it('is not carried out twice when the clock is put back a moment before it and comes to it again', async () => {
    await start();
    clock.set(CUTOFF);
    await server.services.revocation.sweep.runIfDue();
    clock.advance(-2000);
    await server.services.revocation.sweep.runIfDue();
    clock.set(CUTOFF);
    const fresh = await door.signIn('asha');
    expect(await server.services.revocation.sweep.runIfDue()).toBeUndefined();
    expect((await sweepsOf(server)).filter(({ before }) => before === CUTOFF)).toHaveLength(1);
    expect(await isSignedIn(fresh)).toBe(true);
    await stop();
  });

  it('is carried out at its time also where a clock that was wrong had come to it before', async () => {
    await start();
    clock.set(CUTOFF + 5 * MINUTE_MS);
    await server.services.revocation.sweep.runIfDue();
    clock.set(CUTOFF - 60 * MINUTE_MS);
    await server.services.revocation.sweep.runIfDue();
    await door.signIn('asha');
    clock.set(CUTOFF);
    const fresh = await door.signIn('asha');
    expect(await storedSessions()).toHaveLength(2);
    expect(await server.services.revocation.sweep.runIfDue()).toMatchObject({ status: 'done' });
    expect(await storedSessions()).toHaveLength(1);
    expect(await isSignedIn(fresh)).toBe(true);
    expect(await server.services.revocation.sweep.runIfDue()).toBeUndefined();
    await stop();
  });

  it('is carried out at its time also where another node’s clock was ahead of it', async () => {
    await start();
    await server.services.revocation.sweep.runIfDue();
    // As the other node ordered it, an hour early.
    clock.set(CUTOFF + 1);
    await server.services.revocation.revocations.open(
      { kind: 'sweep', before: CUTOFF },
      'cutoff',
      `sweep:${CUTOFF}`,
    );
    clock.set(CUTOFF - 60 * MINUTE_MS);
    await server.services.jobs.tidy();
    await door.signIn('asha');
    clock.set(CUTOFF);
    expect(await server.services.revocation.sweep.runIfDue()).toMatchObject({ status: 'done' });
    expect(await storedSessions()).toEqual([]);
    await stop();
  });

  it('that passed while the server was down is carried out before it answers', async () => {
    const directory = createScratchDirectory('sweep');
    const env = { DATABASE_URL: `sqlite:${join(directory.path, 'curfew.db')}` };
    await start(env);
    const person = await door.signIn('asha');
    await server.services.jobs.catchUp();
    expect(await isSignedIn(person)).toBe(true);
    await stop();

    clock.set(CUTOFF + 5 * 3_600_000);
    await start(env);
    expect(await storedSessions()).toHaveLength(1);
    await server.services.jobs.catchUp();
    expect(await storedSessions()).toEqual([]);
    expect(await sweepsOf(server)).toContainEqual({ before: CUTOFF, status: 'done' });
    expect(await auditOf(server, 'session.ended')).toMatchObject([{ userId: 'asha', reason: 'cutoff' }]);
    await stop();

    await start(env);
    await server.services.jobs.catchUp();
    expect((await sweepsOf(server)).filter(({ before }) => before === CUTOFF)).toHaveLength(1);
    await stop();
    directory.remove();
  });

  it('is carried out by itself, with nobody asking', { timeout: 30_000 }, async () => {
    await start({}, true);
    const { services } = server;
    await eventually(async () => expect(await sweepsOf(server)).toHaveLength(1));
    await door.signIn('asha');
    services.caches.of.auth.set('asha', 'sandbox', TOKEN);
    expect(await storedSessions()).toHaveLength(1);
    // As a suspended machine wakes up: the clock has moved, no timer has.
    clock.set(CUTOFF);
    await vi.waitFor(async () => expect(await storedSessions()).toEqual([]), {
      timeout: 25_000,
      interval: 200,
    });
    expect(await sweepsOf(server)).toContainEqual({ before: CUTOFF, status: 'done' });
    expect(services.caches.sizes().auth).toBe(0);
    await stop();
  });

  it('that a changed setting brings on is carried out at once, with nobody asking', async () => {
    await start({}, true);
    const { policy } = server.services;
    await eventually(async () => expect(await sweepsOf(server)).toHaveLength(1));
    const person = await door.signIn('asha');
    clock.advance(2 * MINUTE_MS);
    policy.replace({ ...policy.current(), cutoffTime: { hour: 10, minute: 1 } });
    await eventually(async () => expect(await storedSessions()).toEqual([]));
    expect(await isSignedIn(person)).toBe(false);
    expect(await sweepsOf(server)).toHaveLength(2);

    // Back to the old one: that was carried out long ago, and nobody new is thrown out.
    const fresh = await door.signIn('asha');
    policy.replace({ ...policy.current(), cutoffTime: { hour: 3, minute: 0 } });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await isSignedIn(fresh)).toBe(true);
    expect(await sweepsOf(server)).toHaveLength(2);
    await stop();
  });
});
