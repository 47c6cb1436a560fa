import { inject } from 'vitest';
import type { User } from '../../src/accounts/user-store.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer, type TestServerOptions } from '../support/test-server.ts';
import { createVisitor, setUp } from '../support/visitor.ts';

export const ORIGIN = { actor: 'test' };
export const RAVI = {
  username: 'ravi',
  password: 'long-quiet-evening-77',
  email: 'ravi@example.org',
} as const;
export const NEW_PASSWORD = 'another quiet harbour 91';

/** Where Curfew keeps what it knows: embedded, and scaled to two nodes. */
export const LINK_WORLDS = [
  ['SQLite', async () => ({ DATABASE_URL: `sqlite:${createScratchDirectory('links').path}/curfew.db` })],
  [
    'Postgres and Redis',
    async () => ({
      DATABASE_URL: await createPostgresDatabase(),
      REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
    }),
  ],
] as const;

export interface LinkWorld {
  readonly clock: ReturnType<typeof createSettableClock>;
  readonly mail: MailServer;
  /** Two, or one where there can be one only. */
  readonly nodes: readonly TestServer[];
  readonly first: TestServer;
  readonly last: TestServer;
  readonly ravi: User;
  readonly redisUrl: string | undefined;
  /** Sends the mails that wait. */
  deliver(): Promise<void>;
  /** The same stores under new processes. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Servers with a mail server beside them; `asha` administers, and `ravi` trades. */
export async function openLinkWorld(
  open: (typeof LINK_WORLDS)[number][1],
  settings: Readonly<Record<string, string>> = {},
  options: Pick<TestServerOptions, 'hostname' | 'jobs'> = {},
): Promise<LinkWorld> {
  const mail = await startMailServer();
  const stores = await open();
  const clock = createSettableClock('2026-11-20T10:00:00+05:30');
  const env = {
    ...stores,
    SMTP_URL: mail.url,
    MAIL_FROM: 'curfew@example.com',
    RESET_RATE_LIMIT: '1000/hour',
    SESSION_IDLE_TIMEOUT: 'off',
    ...settings,
  };
  const start = async (): Promise<TestServer[]> => {
    const nodes = [await startTestServer({ ...options, env, clock })];
    if ('REDIS_URL' in stores) nodes.push(await startTestServer({ ...options, env, clock }));
    return nodes;
  };
  let nodes = await start();
  await setUp(createVisitor((nodes[0] as TestServer).origin));
  clock.advance(1000);
  const made = await (nodes[0] as TestServer).services.accounts.userAdmin.create(
    { ...RAVI, role: 'user' },
    ORIGIN,
  );
  if (made.kind !== 'created') throw new Error(made.kind);
  const closeNodes = async () => void (await Promise.all(nodes.map((node) => node.close())));

  return {
    clock,
    mail,
    ravi: made.user,
    redisUrl: 'REDIS_URL' in stores ? String(stores.REDIS_URL) : undefined,
    get nodes() {
      return nodes;
    },
    get first() {
      return nodes[0] as TestServer;
    },
    get last() {
      return nodes.at(-1) as TestServer;
    },
    async deliver() {
      for (const { services } of nodes) await services.mail.queue?.drain();
    },
    async restart() {
      await closeNodes();
      nodes = await start();
    },
    async close() {
      await closeNodes();
      await mail.close();
    },
  };
}

/** The path of the link in a text, whatever server made it. */
export function linkPathIn(text: string): string {
  const path = /http:\/\/[^/\s]+(\/(?:auth|invitations)\/[\w/-]+)/.exec(text)?.[1];
  if (path === undefined) throw new Error(`No link in: ${text}`);
  return path;
}
