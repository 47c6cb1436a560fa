import { inject } from 'vitest';
import { createPostgresDatabase } from '../support/databases.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer, type TestServerOptions } from '../support/test-server.ts';

export const MONDAY_MORNING = '2026-11-23T10:00:00+05:30';

/** As settings over those of a test server. */
export const WAYS_TO_RUN = [
  ['embedded on SQLite', 1, () => Promise.resolve({})],
  [
    'on two nodes with Redis and Postgres',
    2,
    async () => ({
      DATABASE_URL: await createPostgresDatabase(),
      REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
    }),
  ],
] as const;

export interface Reply {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

/** Nodes behind a proxy on this machine, which says for whom it asks. */
export interface BannedWorld {
  readonly clock: SettableClock;
  readonly nodes: readonly TestServer[];
  readonly first: TestServer;
  /** The node that does not serve what a test does first; the same one where there is only one. */
  readonly last: TestServer;
  /** One request; nodes take turns. */
  ask(path: string, address: string, headers?: Readonly<Record<string, string>>): Promise<Reply>;
  /** The status that each node answers with. */
  statuses(path: string, address: string): Promise<readonly number[]>;
  events(type: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Where people are signed in from, as the database has it. */
  knownAddresses(): Promise<readonly string[]>;
  /** The audit log keeps what is in it: `events` tells of what comes from now on. */
  passOverEvents(): Promise<void>;
  close(): Promise<void>;
}

export async function createBannedWorld(
  nodeCount: number,
  env: Readonly<Record<string, string>>,
  options: Pick<TestServerOptions, 'hashCost'> = {},
): Promise<BannedWorld> {
  const clock = createSettableClock(MONDAY_MORNING);
  const settings = {
    TRUST_PROXY: '127.0.0.1',
    SESSION_IDLE_TIMEOUT: 'off',
    SESSION_EXPIRY_TIME: 'off',
    ...env,
  };
  const nodes: TestServer[] = [];
  for (let count = 0; count < nodeCount; count += 1)
    nodes.push(await startTestServer({ ...options, clock, env: settings }));
  const [first] = nodes;
  const last = nodes.at(-1);
  if (first === undefined || last === undefined) throw new Error('There is no node');
  let turn = 0;

  async function askAt(node: TestServer, path: string, address: string, headers = {}): Promise<Reply> {
    const answer = await fetch(node.origin + path, {
      redirect: 'manual',
      headers: { 'X-Forwarded-For': address, ...headers },
    });
    return { status: answer.status, text: await answer.text(), headers: answer.headers };
  }

  let passedOver = 0;
  return {
    clock,
    nodes,
    first,
    last,
    ask(path, address, headers) {
      turn += 1;
      return askAt(nodes[turn % nodes.length] ?? first, path, address, headers);
    },
    statuses: (path, address) =>
      Promise.all(nodes.map(async (node) => (await askAt(node, path, address)).status)),
    async events(type) {
      const { db } = first.infrastructure.database;
      const rows = await db
        .selectFrom('audit_log')
        .select('detail')
        .where('type', '=', type)
        .where('id', '>', passedOver)
        .orderBy('id')
        .execute();
      return rows.map(({ detail }) => JSON.parse(detail));
    },
    async knownAddresses() {
      const { db } = first.infrastructure.database;
      const rows = await db.selectFrom('known_addresses').select('subject').execute();
      return rows.map(({ subject }) => subject);
    },
    async passOverEvents() {
      const { db } = first.infrastructure.database;
      const row = await db.selectFrom('audit_log').select('id').orderBy('id', 'desc').executeTakeFirst();
      passedOver = row?.id ?? 0;
    },
    close: async () => void (await Promise.all(nodes.map((node) => node.close()))),
  };
}
