import { randomUUIDv7 } from 'node:crypto';
import SqliteDatabase from 'better-sqlite3';
import { systemClock } from '../../src/core/clock.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { query } from '../../test/support/postgres-server.ts';
import { startCurfewWithPeople } from '../parts/guarded-page.ts';
import { startServices } from '../parts/sweep.ts';
import { signInAt } from '../people.ts';
import type { ServiceResult } from '../servers/services.ts';
import { newSetup, type Setup } from '../setups.ts';
import { type Growth, grow, type Line, quantile, timePages } from './points.ts';

const SIZES = [10_000, 100_000, 1_000_000, 10_000_000];
const IN_ONE_TRANSACTION = 100_000;
const BATCHES = 100;
const PAGES_EACH = 10;
const PEOPLE = 5_000;
/** Nothing is removed for its age or number while it is measured. */
const KEEPS_ALL = { TRAFFIC_LOG_ROWS: '999999999', TRAFFIC_LOG_DAYS: '9999', TRAFFIC_LOG_ADDRESSES: 'full' };
const SPREAD_MS = 29 * DAY_MS;
/** Of one of the rows. */
const ADDRESS = '10.0.0.7';

/** The log of requests: writing to it, and what administrators ask of it. */
export async function growTraffic(growth: Growth, setup: Setup['name']): Promise<readonly Line[]> {
  const { workshop } = growth;
  const { env } = await newSetup(workshop, setup);
  // The tables first.
  await startCurfewWithPeople(workshop, { name: setup, env }, { role: 'admin', settings: KEEPS_ALL });
  await workshop.stopStarted();
  const oldest = systemClock.now() - SPREAD_MS;
  const last = (SIZES.at(-1) ?? 1) / (growth.isSmall ? 100 : 1);
  const addRows = setup === 'SQLite' ? addToSqlite : addToPostgres;
  let rows = 0;

  return grow(growth, 'traffic', setup, SIZES, async (size) => {
    await addRows(env.DATABASE_URL, { from: rows, to: size, oldest, stepMs: SPREAD_MS / last });
    rows = size;
    const services = startServices(workshop, env, KEEPS_ALL);
    await services.ask<ServiceResult>({ kind: 'traffic', batches: BATCHES });
    const writing = await services.ask<ServiceResult>({ kind: 'traffic', batches: BATCHES });
    await services.stop();
    const curfew = await startCurfewWithPeople(
      workshop,
      { name: setup, env },
      { people: 0, settings: KEEPS_ALL },
    );
    const pages = await timePages(curfew.origin, await signInAt(curfew.origin), PAGES, PAGES_EACH);
    await workshop.stopStarted();
    return {
      'a batch of 50 rows, p50 ms': quantile(writing.ms, 0.5),
      'a batch of 50 rows, p99 ms': quantile(writing.ms, 0.99),
      ...pages,
    };
  });
}

const PAGES = {
  'newest page': '/security/traffic',
  'page of one address': `/security/traffic?address=${ADDRESS}`,
  'page of slow requests': '/security/traffic?slow=80',
  'page of a text that no request has': '/security/traffic?q=nowhere',
};

interface Rows {
  readonly from: number;
  readonly to: number;
  /** When row 0 came, in ms since the epoch. */
  readonly oldest: number;
  readonly stepMs: number;
}

async function addToSqlite(databaseUrl: string, { from, to, oldest, stepMs }: Rows): Promise<void> {
  const sqlite = new SqliteDatabase(databaseUrl.replace('sqlite:', ''));
  sqlite.pragma('synchronous = OFF');
  const insert = sqlite.prepare(
    `insert into traffic_log (at, request_id, method, pattern, path, route_class, status, aborted, duration_ms, bytes, user_id, address)
     values (?, ?, 'GET', '/broker', '/broker', 'guarded', 200, 0, ?, 9000, ?, ?)`,
  );
  const addSome = sqlite.transaction((first: number, end: number) => {
    for (let row = first; row < end; row += 1) {
      const person = Math.floor(Math.random() * PEOPLE);
      const address = `10.0.${person >> 8}.${person & 255}`;
      insert.run(Math.floor(oldest + row * stepMs), randomUUIDv7(), person % 90, `user${person}`, address);
    }
  });
  for (let first = from; first < to; first += IN_ONE_TRANSACTION)
    addSome(first, Math.min(to, first + IN_ONE_TRANSACTION));
  sqlite.close();
}

/** Made by the server itself. The ids rise, as those of requests do. */
async function addToPostgres(databaseUrl: string, { from, to, oldest, stepMs }: Rows): Promise<void> {
  for (let first = from; first < to; first += IN_ONE_TRANSACTION)
    await query(
      databaseUrl,
      `insert into traffic_log (at, request_id, method, pattern, path, route_class, status, aborted, duration_ms, bytes, user_id, address)
       select floor(${oldest} + i::float8 * ${stepMs}), '01900000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'), 'GET', '/broker', '/broker',
         'guarded', 200, 0, person % 90, 9000, 'user' || person, '10.0.' || (person / 256) || '.' || (person % 256)
       from (select i, floor(random() * ${PEOPLE})::int as person
             from generate_series(${first}, ${Math.min(to, first + IN_ONE_TRANSACTION) - 1}) as i) as rows`,
    );
  await query(databaseUrl, 'analyze traffic_log');
}
