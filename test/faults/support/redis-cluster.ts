import { Redis } from 'ioredis';
import { timeUntil } from '../../support/eventually.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';

/** Three masters that share the slots, and one replica, of the first. */
export interface RedisCluster {
  readonly url: string;
  readonly masters: readonly RedisServer[];
  readonly replica: RedisServer;
  stop(): Promise<void>;
}

const SLOTS = 16_384;
const MASTERS = 3;
const SETTINGS = ['cluster-enabled yes', 'cluster-node-timeout 1000', 'cluster-config-file nodes.conf'];

export async function startRedisCluster(): Promise<RedisCluster> {
  const servers = await Promise.all(
    Array.from({ length: MASTERS + 1 }, () => startRedis({ settings: SETTINGS })),
  );
  const masters = servers.slice(0, MASTERS);
  const replica = servers[MASTERS];
  const [first] = masters;
  if (first === undefined || replica === undefined) throw new Error('There are no servers');

  for (const [index, { url }] of masters.entries()) {
    const share = (part: number): number => Math.floor((SLOTS * part) / MASTERS);
    await ask(url, 'ADDSLOTSRANGE', share(index), share(index + 1) - 1);
    await ask(url, 'SET-CONFIG-EPOCH', index + 1);
  }
  for (const { url } of servers.slice(1)) await ask(url, 'MEET', '127.0.0.1', first.port);
  const firstId = String(await ask(first.url, 'MYID'));
  await timeUntil('the replica has met the first', () => replicates(replica, firstId), { withinMs: 20_000 });
  for (const server of servers)
    await timeUntil('the cluster is whole', () => bannable(server), { withinMs: 30_000 });

  return {
    url: masters.map(({ url }) => url).join(','),
    masters,
    replica,
    stop: async () => void (await Promise.all(servers.map((server) => server.stop()))),
  };
}

async function replicates({ url }: RedisServer, masterId: string): Promise<boolean> {
  return ask(url, 'REPLICATE', masterId).then(
    () => true,
    () => false,
  );
}

async function bannable({ url }: RedisServer): Promise<boolean> {
  const info = String(await ask(url, 'INFO'));
  return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${MASTERS + 1}`);
}

async function ask(url: string, ...args: readonly (string | number)[]): Promise<unknown> {
  const client = new Redis(url);
  try {
    return await client.call('CLUSTER', ...args.map(String));
  } finally {
    client.disconnect();
  }
}
