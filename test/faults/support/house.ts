import { connect, type Infrastructure } from '../../../src/boot/connect.ts';
import { createLogger } from '../../../src/boot/logger.ts';
import { compose, type Services } from '../../../src/compose.ts';
import { parseConfig } from '../../../src/config.ts';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres-server.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';
import { TEST_SECRETS } from '../../support/test-server.ts';
import type { BrowserOptions } from './browser.ts';
import type { Person } from './device.ts';
import type { MachineClock } from './machine-clock.ts';
import { type NodeProcess, startNode } from './node-process.ts';
import { createTcpProxy, type TcpProxy } from './tcp-proxy.ts';

/** A node with a stretch of network of its own to each server. */
export interface HouseNode {
  readonly name: string;
  readonly process: NodeProcess;
  readonly toRedis: TcpProxy;
  readonly toPostgres: TcpProxy;
}

/** An operator's own process on the same stores, by direct connections. */
export interface Office {
  readonly services: Services;
  readonly infrastructure: Infrastructure;
  close(): Promise<void>;
}

/** Several nodes that share a Redis and a Postgres, all real. */
export interface House {
  readonly redis: RedisServer;
  readonly postgres: PostgresServer;
  readonly nodes: readonly HouseNode[];
  readonly origins: readonly string[];
  readonly browser: BrowserOptions;
  readonly office: Office;
  readonly people: readonly Inhabitant[];
  /** Mends every stretch of network. Servers and nodes are their faults' own business. */
  healNetwork(): Promise<void>;
  close(): Promise<void>;
}

/** A person with the id of their account, which is known even while no server answers. */
export interface Inhabitant extends Person {
  readonly userId: string;
}

export interface HouseOptions {
  readonly nodes: number;
  readonly people: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly main?: string;
  /** That of all nodes and of the office. The true one, unless given. */
  readonly clock?: MachineClock;
}

const PASSWORD = 'quiet-monsoon-harbour-42';

export async function startHouse({
  nodes: count,
  people: inhabitants,
  env = {},
  main,
  clock,
}: HouseOptions): Promise<House> {
  const [redis, postgres] = await Promise.all([startRedis({ persistent: true }), startPostgres()]);
  const office = await openOffice({ ...env, REDIS_URL: redis.url, DATABASE_URL: postgres.url }, clock);
  const people: Inhabitant[] = [];
  for (let index = 0; index < inhabitants; index += 1) people.push(await admit(office, index));

  const nodes: HouseNode[] = [];
  for (let index = 0; index < count; index += 1) {
    const baseUrl = nodes[0]?.process.origin;
    const shared = baseUrl === undefined ? {} : { BASE_URL: baseUrl };
    nodes.push(
      await startHouseNode(
        'AB'[index] ?? String(index),
        redis,
        postgres,
        { ...shared, ...clock?.env, ...env },
        main,
      ),
    );
  }

  return {
    redis,
    postgres,
    nodes,
    origins: nodes.map((node) => node.process.origin),
    browser: { baseUrl: nodes[0]?.process.origin ?? '' },
    office,
    people,
    async healNetwork() {
      await Promise.all(nodes.flatMap(({ toRedis, toPostgres }) => [toRedis.heal(), toPostgres.heal()]));
    },
    async close() {
      await Promise.all(nodes.map((node) => node.process.kill()));
      for (const { toRedis, toPostgres } of nodes) for (const proxy of [toRedis, toPostgres]) proxy.close();
      await office.close();
      await Promise.all([redis.stop(), postgres.stop()]);
    },
  };
}

async function startHouseNode(
  name: string,
  redis: RedisServer,
  postgres: PostgresServer,
  env: Readonly<Record<string, string>>,
  main: string | undefined,
): Promise<HouseNode> {
  const [toRedis, toPostgres] = await Promise.all([
    createTcpProxy(redis.port),
    createTcpProxy(postgres.port),
  ]);
  const process = await startNode({
    env: {
      REDIS_URL: withPort(redis.url, toRedis.port),
      DATABASE_URL: withPort(postgres.url, toPostgres.port),
      ...env,
    },
    ...(main === undefined ? {} : { main }),
  });
  return { name, process, toRedis, toPostgres };
}

/** The settings of the nodes, without their background jobs: what is left to do later is theirs. */
export async function openOffice(
  env: Readonly<Record<string, string>>,
  clock: Clock = systemClock,
): Promise<Office> {
  const config = parseConfig({
    ...TEST_SECRETS,
    SESSION_EXPIRY_TIME: 'off',
    SESSION_IDLE_TIMEOUT: 'off',
    LOG_LEVEL: 'silent',
    ...env,
  });
  const log = createLogger(config.logLevel);
  const infrastructure = await connect(config, clock, log);
  const services = compose({ config, infrastructure, log, internalOrigin: () => config.baseUrl });
  return { services, infrastructure, close: () => infrastructure.close() };
}

/** Makes an account. */
export async function admit({ services }: Office, index: number): Promise<Inhabitant> {
  const username = `person-${index + 1}`;
  const made = await services.accounts.userAdmin.create(
    { username, email: `${username}@example.org`, role: index === 0 ? 'admin' : 'user', password: PASSWORD },
    { actor: 'test' },
  );
  if (made.kind !== 'created') throw new Error(JSON.stringify(made.fields));
  return { username, password: PASSWORD, userId: made.user.id };
}

export function withPort(url: string, port: number): string {
  return Object.assign(new URL(url), { port: String(port) }).toString();
}
