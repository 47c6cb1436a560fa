import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createPostgresDatabase } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { openSideDoor, type SideDoor } from './side-door.ts';

const SECOND_MS = 1000;
/** How often jobs.ts has remembered uses written. */
const FLUSH_EVERY_MS = 5 * SECOND_MS;

describe.each([
  ['Postgres', async () => ({ DATABASE_URL: await createPostgresDatabase() })],
  [
    'Redis and Postgres',
    async () => ({
      DATABASE_URL: await createPostgresDatabase(),
      REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
    }),
  ],
] as const)('a short idle limit on two nodes with %s', (_name, settings) => {
  let clock: SettableClock;
  let nodes: readonly TestServer[];
  let door: SideDoor;

  beforeEach(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    const env = await settings();
    nodes = [await startTestServer({ clock, env }), await startTestServer({ clock, env })];
    door = await openSideDoor(nodes[0] as TestServer);
  });
  afterEach(async () => {
    await door.close();
    for (const node of nodes) await node.close();
  });

  const registry = () => (nodes[0] as TestServer).services.registry;

  /** A second at a time, as the jobs of both nodes would; the flush comes when it comes. */
  async function pass(seconds: number, flushedAt: number): Promise<number> {
    let ended = 0;
    for (let each = 0; each < seconds; each += 1) {
      clock.advance(SECOND_MS);
      for (const { services } of nodes) {
        ended += await services.sessions.idleWatch.run();
        if ((clock.now() - flushedAt) % FLUSH_EVERY_MS === 0) await services.registry.flush();
      }
    }
    return ended;
  }

  it.each([5, 6, 7, 8, 9, 12, 20])(
    'of %i s begins with the last use, and not with an earlier one',
    async (limit) => {
      for (const { services } of nodes)
        services.policy.replace({ ...services.policy.current(), idleTimeoutMs: limit * SECOND_MS });
      for (let phase = 0; phase < FLUSH_EVERY_MS; phase += SECOND_MS) {
        const flushedAt = clock.now() + phase;
        for (const usedAfter of [1, 2]) {
          const person = await door.signIn(`user-${usedAfter}`);
          await pass(usedAfter, flushedAt);
          expect((await door.who(person)).status).toBe(200);
          // Written while the answer is on its way, or remembered.
          if (limit < 15)
            await eventually(async () => expect(await registry().lastSeen(person.sid)).toBe(clock.now()));
          expect(await pass(limit - 1, flushedAt)).toBe(0);
          expect(await pass(1, flushedAt)).toBe(1);
          expect((await door.who(person)).body).toMatchObject({ reason: 'idle' });
        }
      }
    },
  );
});
