import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { HOUR_MS } from '../core/duration.ts';
import type { Bus, BusMessage } from './bus.ts';
import type { Database } from './database.ts';

export interface DatabaseBusDeps {
  readonly database: Database;
  readonly clock: Clock;
  /** How often another process's messages are looked for; an idle look costs microseconds on SQLite. */
  readonly pollEveryMs: number;
  readonly onError: (error: unknown) => void;
}

/** Ids are handed out before they are committed, so a lower one may appear after a higher one: look back a little. */
const LOOK_BACK = 200;

/** Messages between processes that share a database but no Redis: the server and `npx curfew` on the same machine. */
export async function createDatabaseBus({
  database,
  clock,
  pollEveryMs,
  onError,
}: DatabaseBusDeps): Promise<Bus> {
  const { db, dialect } = database;
  const sender = randomUUID();
  const listeners: ((message: BusMessage) => void)[] = [];
  const gapListeners: (() => void)[] = [];
  let seen = new Set<number>();
  let lastId = 0;
  let dataVersion = -1;
  let failing = false;
  let publishedSincePurge = 0;

  async function somethingChanged(): Promise<boolean> {
    if (dialect !== 'sqlite') return true;
    // data_version moves when another connection has written: one read of shared memory instead of a query.
    const { rows } = await sql<{ data_version: number }>`pragma data_version`.execute(db);
    const version = rows[0]?.data_version ?? 0;
    const changed = version !== dataVersion;
    dataVersion = version;
    return changed;
  }

  async function fetchNew(): Promise<readonly BusMessage[]> {
    const rows = await db
      .selectFrom('bus_messages')
      .select(['id', 'sender', 'body'])
      .where('id', '>', lastId - LOOK_BACK)
      .orderBy('id')
      .execute();
    const fresh = rows.filter((row) => !seen.has(row.id));
    seen = new Set(rows.map((row) => row.id));
    lastId = rows.at(-1)?.id ?? lastId;
    return fresh.filter((row) => row.sender !== sender).flatMap((row) => readMessage(row.body) ?? []);
  }

  async function poll(): Promise<void> {
    try {
      if (await somethingChanged()) {
        for (const message of await fetchNew()) for (const listener of listeners) listener(message);
      }
      if (failing) for (const listener of gapListeners) listener();
      failing = false;
    } catch (error) {
      if (!failing) onError(error);
      failing = true;
    }
    if (!closed) timer = setTimeout(() => void poll(), pollEveryMs);
  }

  await fetchNew();
  let closed = false;
  let timer = setTimeout(() => void poll(), pollEveryMs);

  return {
    async publish(message) {
      await db
        .insertInto('bus_messages')
        .values({ sent_at: clock.now(), sender, body: JSON.stringify(message) })
        .execute();
      publishedSincePurge += 1;
      if (publishedSincePurge < 100) return;
      publishedSincePurge = 0;
      await db
        .deleteFrom('bus_messages')
        .where('sent_at', '<', clock.now() - HOUR_MS)
        .execute();
    },
    onMessage: (listener) => {
      listeners.push(listener);
    },
    onGap: (listener) => {
      gapListeners.push(listener);
    },
    close() {
      closed = true;
      clearTimeout(timer);
      return Promise.resolve();
    },
  };
}

/** Undefined for what no process wrote: one such row must not hold back the messages behind it. */
function readMessage(body: string): BusMessage | undefined {
  try {
    const message = JSON.parse(body) as Partial<BusMessage> | null;
    return typeof message?.kind === 'string' ? (message as BusMessage) : undefined;
  } catch {
    return undefined;
  }
}
