import { sql } from 'kysely';
import { DAY_MS, HOUR_MS } from '../../src/core/duration.ts';
import { startOfIstHour } from '../../src/core/ist.ts';
import type { Database } from '../../src/storage/database.ts';

/** How much there is of everything. */
export interface BusyHouse {
  readonly traffic: number;
  readonly bans: number;
  readonly sessions: number;
  readonly people: number;
  readonly days: number;
}

export const BUSY: BusyHouse = { traffic: 100_000, bans: 10_000, sessions: 10_000, people: 2_000, days: 400 };

/** Audit events of an hour, by kind: what an installation of a few hundred people has. */
const KINDS = [
  'login.succeeded',
  'login.failed:credentials',
  'login.failed:rate_limited',
  'session.ended:cutoff',
  'session.ended:idle',
  'session.ended:logged_out',
  'session.ended:ended_by_admin',
  'session.ended:session_limit',
  'ban.added:invalid_api_keys',
  'ban.added:suspicious_paths',
  'ban.added:manual',
  'broker.connected',
  'broker.disconnected',
  'settings.changed',
  'api_key.created',
] as const;
const CLASSES = ['guarded', 'api', 'poll', 'form', 'static', 'probe', 'public'] as const;

/**
 * Fills the tables in the database's own words, which takes a second or two where a hundred thousand requests would take
 * minutes. Everything ends at `now` (ms since the epoch); the running hour is included.
 */
export async function fillHouse({ db }: Database, now: number, house: BusyHouse = BUSY): Promise<void> {
  const hour = startOfIstHour(now);
  const hours = house.days * 24;

  await sql`
    with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < ${sql.lit(house.people)})
    insert into users (id, username, username_key, email, password_hash, role, disabled, created_at)
    select 'person-' || i, 'person-' || i, 'person-' || i, 'person-' || i || '@example.org', '', 'user', 0, ${sql.lit(now)}
    from n`.execute(db);

  await sql`
    with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < ${sql.lit(house.sessions)})
    insert into sessions (sid, user_id, epoch, login_time, last_seen, own_idle_ms, body)
    select 's.person-' || (i % ${sql.lit(house.people)}) || '.0.' || i, 'person-' || (i % ${sql.lit(house.people)}), 0,
      ${sql.lit(now - 60_000)}, ${sql.lit(now - 30_000)}, null,
      '{"cookie":{},"userId":"person-' || (i % ${sql.lit(house.people)}) || '","username":"person-' || (i % ${sql.lit(house.people)})
        || '","role":"user","epoch":0,"loginTime":"' || ${sql.lit(new Date(now - 60_000).toISOString())}
        || '","deviceId":"device-' || i || '","userAgent":"Mozilla/5.0","address":"203.0.113.7","csrfSecret":"x"}'
    from n`.execute(db);

  await sql`
    with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < ${sql.lit(house.bans)})
    insert into bans (subject, reason, note, offence, banned_by, banned_at, expires_at)
    select '100.' || (i / 65536) || '.' || (i / 256 % 256) || '.' || (i % 256),
      case i % 3 when 0 then 'invalid_api_keys' when 1 then 'suspicious_paths' else 'manual' end,
      'Note ' || i, i % 4, 'system', ${sql.lit(now)} - i * 1000, ${sql.lit(now + DAY_MS)} + i * 1000
    from n`.execute(db);

  for (const [start, end] of batchesOf(house.traffic))
    await sql`
    with recursive n(i) as (select ${sql.lit(start)} union all select i + 1 from n where i + 1 < ${sql.lit(end)})
    insert into traffic_log (at, request_id, method, pattern, path, route_class, status, aborted, duration_ms, bytes,
      user_id, address)
    select ${sql.lit(now)} - i * 2000, 'request-' || i, case i % 5 when 0 then 'POST' else 'GET' end,
      case i % 7 when 0 then null else '/strategies/:id' end,
      case i % 7 when 0 then '/nothing/' || (i % 900) else '/strategies/' || (i % 5000) end, 'guarded',
      case when i % 7 = 0 then 404 when i % 53 = 0 then 500 else 200 end, 0, i % 400, 900 + i % 5000,
      case i % 3 when 0 then null else 'person-' || (i % ${sql.lit(house.people)}) end, '203.0.' || (i % 100) || '.0'
    from n`.execute(db);

  await db.deleteFrom('audit_hours').execute();
  await db.deleteFrom('traffic_hours').execute();
  for (const [index, kind] of KINDS.entries())
    await sql`
      with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < ${sql.lit(hours)})
      insert into audit_hours (hour, kind, events)
      select ${sql.lit(hour)} - cast(i as bigint) * ${sql.lit(HOUR_MS)}, ${sql.lit(kind)}, 1 + (i * 7 + ${sql.lit(index * 5)}) % ${sql.lit(23 - index)}
      from n`.execute(db);

  for (const routeClass of CLASSES)
    await sql`
      with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < ${sql.lit(hours)})
      insert into traffic_hours (hour, route_class, requests, not_found, client_errors, server_errors,
        b0, b1, b2, b3, b4, b5, b6, b7, b8, b9)
      select ${sql.lit(hour)} - cast(i as bigint) * ${sql.lit(HOUR_MS)}, ${sql.lit(routeClass)}, 700 + i * 13 % 500, i % 40, i % 9, i % 3,
        300, 200 + i * 13 % 500, 100, 50, 25, 15, 6, 3, 1, i % 2
      from n`.execute(db);
}

/** Postgres is given up on after two seconds, and a busy machine takes its time. */
function* batchesOf(total: number, size = 5000): Iterable<readonly [number, number]> {
  for (let start = 0; start < total; start += size) yield [start, Math.min(total, start + size)];
}
