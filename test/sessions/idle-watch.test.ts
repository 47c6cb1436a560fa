import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { createPostgresDatabase } from '../support/databases.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { openSideDoor, type SideDoor } from './side-door.ts';
import { putSession } from './stored-sessions.ts';

const MINUTE_MS = 60_000;

describe.each([
  ['SQLite', async () => ({})],
  ['Postgres', async () => ({ DATABASE_URL: await createPostgresDatabase() })],
  ['Redis', async () => ({ REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }) })],
] as const)('the watch over idle sessions on %s', (_name, settings) => {
  let clock: SettableClock;
  let server: TestServer;
  let door: SideDoor;

  beforeEach(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    server = await startTestServer({ clock, env: { ...(await settings()), LOG_LEVEL: 'fatal' } });
    door = await openSideDoor(server);
  });
  afterEach(async () => {
    await door.close();
    await server.close();
  });

  const receipts = async () =>
    (
      await server.infrastructure.database.db
        .selectFrom('revocations')
        .select(['reason', 'scope', 'status'])
        .execute()
    ).map(({ reason, scope, status }) => [reason, (JSON.parse(scope) as { kind: string }).kind, status]);

  it('ends nothing that is in use', async () => {
    const person = await door.signIn('asha');
    clock.advance(30 * MINUTE_MS - 1);
    expect(await server.services.sessions.idleWatch.run()).toBe(0);
    expect((await door.who(person)).status).toBe(200);
  });

  it('ends the last session of a person and all that it opened, without a request', async () => {
    await door.signIn('asha');
    clock.advance(30 * MINUTE_MS);
    expect(await server.services.sessions.idleWatch.run()).toBe(1);
    expect(await server.services.sessions.lifecycle.devicesOf('asha')).toEqual([]);
    expect(await receipts()).toEqual([['idle', 'account', 'done']]);
    expect(await server.services.sessions.idleWatch.run()).toBe(0);
  });

  it('writes one receipt where all of a person’s sessions are idle, with each of them in it', async () => {
    await door.signIn('asha');
    await door.signIn('asha');
    clock.advance(30 * MINUTE_MS);
    expect(await server.services.sessions.idleWatch.run()).toBe(2);
    const receipt = await server.services.revocation.revocations.latestReceipt('asha');
    expect(await receipts()).toEqual([['idle', 'account', 'done']]);
    expect(receipt?.lines.map(({ step, count, detail }) => [step, count, detail]).slice(0, 2)).toEqual([
      ['broker_tokens', 0, 'no broker was connected'],
      ['sessions', 2, undefined],
    ]);
  });

  it('ends one idle device and leaves the person signed in on the other', async () => {
    const idle = await door.signIn('asha');
    clock.advance(20 * MINUTE_MS);
    const used = await door.signIn('asha');
    clock.advance(10 * MINUTE_MS);
    expect(await server.services.sessions.idleWatch.run()).toBe(1);
    expect((await door.who(used)).status).toBe(200);
    expect((await door.who(idle)).body).toMatchObject({ error: 'session_expired', reason: 'idle' });
    expect(await receipts()).toEqual([['idle', 'device', 'done']]);
  });

  it('ends 250 at once, by two nodes at the same time, each once', { timeout: 60_000 }, async () => {
    const { sessionStorage } = server.infrastructure;
    for (let each = 0; each < 250; each += 1)
      await putSession(sessionStorage, { userId: `user-${each}`, loginTime: clock.now() });
    clock.advance(30 * MINUTE_MS);
    const { idleWatch } = server.services.sessions;
    await Promise.all([idleWatch.run(), idleWatch.run()]);
    expect(await sessionStorage.registry.findIdle(10)).toEqual([]);
    const kinds = (await receipts()).map(([, kind]) => kind);
    expect(kinds).toEqual(Array.from({ length: 250 }, () => 'account'));
  });

  it('comes to an end where no session can be ended, and answers others meanwhile', {
    timeout: 60_000,
  }, async () => {
    const { sessionStorage } = server.infrastructure;
    for (let each = 0; each < 250; each += 1)
      await putSession(sessionStorage, { userId: `user-${each}`, loginTime: clock.now() });
    clock.advance(30 * MINUTE_MS);
    const refusing = vi
      .spyOn(server.services.registry, 'endThroughEpoch')
      .mockRejectedValue(new Error('read-only'));
    let turns = 0;
    const turning = setInterval(() => {
      turns += 1;
    }, 1);
    expect(await server.services.sessions.idleWatch.run()).toBeGreaterThanOrEqual(200);
    clearInterval(turning);
    expect(turns).toBeGreaterThan(10);
    refusing.mockRestore();
  });
});
