import { Redis } from 'ioredis';
import { timeUntil } from '../../support/eventually.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';

/** A master, its replica, and one Sentinel that needs no other to agree. */
export interface RedisWithSentinel {
  readonly url: string;
  readonly master: RedisServer;
  readonly replica: RedisServer;
  stop(): Promise<void>;
}

const NAME = 'curfew-master';

export async function startRedisWithSentinel(): Promise<RedisWithSentinel> {
  const master = await startRedis();
  const replica = await startRedis({ settings: [`replicaof 127.0.0.1 ${master.port}`] });
  const sentinel = await startRedis({
    sentinel: true,
    settings: [
      `sentinel monitor ${NAME} 127.0.0.1 ${master.port} 1`,
      `sentinel down-after-milliseconds ${NAME} 500`,
      `sentinel failover-timeout ${NAME} 5000`,
    ],
  });
  await untilWatched(sentinel);
  return {
    url: `redis+sentinel://127.0.0.1:${sentinel.port}/${NAME}`,
    master,
    replica,
    stop: async () => void (await Promise.all([sentinel, replica, master].map((server) => server.stop()))),
  };
}

/** A replica that the Sentinel has not found yet could not take over. */
async function untilWatched({ url }: RedisServer): Promise<void> {
  const client = new Redis(url);
  await timeUntil(
    'the Sentinel knows the replica',
    async () => {
      const replicas = (await client.call('SENTINEL', 'REPLICAS', NAME)) as readonly (readonly string[])[];
      return replicas.some((facts) => facts[facts.indexOf('master-link-status') + 1] === 'ok');
    },
    { withinMs: 30_000 },
  );
  client.disconnect();
}
