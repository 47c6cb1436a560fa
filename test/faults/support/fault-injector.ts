import { setTimeout as sleep } from 'node:timers/promises';
import type { History } from './history.ts';
import type { House, HouseNode } from './house.ts';
import { loseMessages, REDIS_FAULTS } from './redis-faults.ts';
import { takeRedisSnapshot } from './redis-snapshot.ts';
import { type FaultKind, OF_ALL_NODES, type PlannedFault } from './schedule.ts';

/** Does the faults of a schedule to a house, and mends it. */
export interface FaultInjector {
  /** Resolves when the last fault is over. Each is mended in its time but for dead nodes: those start again at the end. */
  run(faults: readonly PlannedFault[]): Promise<void>;
  /** Whatever still is broken. */
  mendAll(): Promise<void>;
}

const SLOW_MS = 250;

export function createFaultInjector(house: House, history: History, now: () => number): FaultInjector {
  const { redis, postgres, nodes } = house;
  /** With the instants of their deaths. */
  const deadNodes = new Map<HouseNode, number>();
  // A server takes one blow at a time: what is dead cannot be paused.
  const busy = new Set<'redis' | 'postgres'>();

  async function exclusively(server: 'redis' | 'postgres', work: () => Promise<void>): Promise<void> {
    if (busy.has(server)) return;
    busy.add(server);
    await work().finally(() => busy.delete(server));
  }

  async function inflict({ kind, node: index, lastsMs }: PlannedFault): Promise<void> {
    const node = nodes[index];
    if (node === undefined) throw new Error(`There is no node ${index}`);
    const pause = (): Promise<void> => sleep(lastsMs);
    const { toRedis, toPostgres } = node;
    const blows: Readonly<Record<FaultKind, () => Promise<unknown>>> = {
      redis_killed: () =>
        exclusively('redis', async () => {
          await redis.kill();
          await pause();
          await redis.restart();
        }),
      redis_paused: () =>
        exclusively('redis', async () => {
          redis.pause();
          await pause();
          redis.resume();
        }),
      redis_restored: () =>
        exclusively('redis', async () => {
          const snapshot = takeRedisSnapshot(redis);
          await pause();
          await snapshot.restore();
          history.add({ kind: 'data_lost', at: now() });
          snapshot.remove();
        }),
      postgres_stopped: () =>
        exclusively('postgres', async () => {
          await postgres.kill();
          await pause();
          await postgres.restart();
        }),
      postgres_paused: () =>
        exclusively('postgres', async () => {
          postgres.pause();
          await pause();
          postgres.resume();
        }),
      redis_cut: () => whileBroken(() => toRedis.cut(), toRedis.heal),
      redis_stalled: () => whileBroken(() => toRedis.stall(), toRedis.heal),
      redis_swallowed: () => whileBroken(() => toRedis.swallow(), toRedis.heal),
      redis_slow: () => whileBroken(() => toRedis.delay(SLOW_MS), toRedis.heal),
      postgres_cut: () => whileBroken(() => toPostgres.cut(), toPostgres.heal),
      postgres_stalled: () => whileBroken(() => toPostgres.stall(), toPostgres.heal),
      postgres_swallowed: () => whileBroken(() => toPostgres.swallow(), toPostgres.heal),
      postgres_slow: () => whileBroken(() => toPostgres.delay(SLOW_MS), toPostgres.heal),
      redis_full: () =>
        exclusively('redis', async () => {
          const fault = REDIS_FAULTS.full(house);
          await fault.begin();
          await pause();
          await fault.end();
        }),
      messages_lost: () => exclusively('redis', () => loseMessages(house, lastsMs)),
      async node_killed() {
        deadNodes.set(node, deadNodes.get(node) ?? now());
        await node.process.kill();
      },
      async node_paused() {
        if (node.process.hasEnded()) return;
        node.process.signal('SIGSTOP');
        await pause();
        if (!node.process.hasEnded()) node.process.signal('SIGCONT');
      },
    };

    async function whileBroken(breakIt: () => void, heal: () => Promise<void>): Promise<void> {
      breakIt();
      await pause();
      await heal();
    }
    const startedAt = now();
    await blows[kind]();
    if (kind !== 'node_killed') note(kind, OF_ALL_NODES.has(kind) ? undefined : node.name, startedAt);
  }

  function note(what: FaultKind, node: string | undefined, startedAt: number): void {
    history.add({ kind: 'fault', what, node, startedAt, endedAt: now() });
  }

  return {
    async run(faults) {
      await Promise.all(
        faults.map(async (fault) => {
          await sleep(fault.startMs);
          await inflict(fault);
        }),
      );
    },
    async mendAll() {
      await house.healNetwork();
      await Promise.all([...deadNodes.keys()].map((node) => node.process.start()));
      for (const [node, diedAt] of deadNodes) note('node_killed', node.name, diedAt);
      deadNodes.clear();
    },
  };
}
