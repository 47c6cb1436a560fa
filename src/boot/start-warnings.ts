import cluster from 'node:cluster';
import type { AuditRowStore } from '../audit/audit-row-store.ts';
import type { Config } from '../config.ts';
import type { Clock } from '../core/clock.ts';
import { describeDuration, MINUTE_MS } from '../core/duration.ts';
import { formatIst } from '../core/ist.ts';
import type { Log } from '../core/log.ts';
import { isLoopbackHost } from '../http/client-address.ts';
import { inspectPlace } from '../storage/sqlite-path.ts';

export interface Warning {
  readonly what: string;
  readonly remedy: string;
}

/** Contradictions among HOST, BASE_URL and TRUST_PROXY. */
export function addressWarnings({
  host,
  baseUrl,
  https,
  trustProxy,
}: Pick<Config, 'host' | 'baseUrl' | 'https' | 'trustProxy'>): readonly Warning[] {
  if (https && trustProxy.length === 0)
    return [
      {
        what: `BASE_URL is ${baseUrl}, and TRUST_PROXY is empty: all clients seem to have the proxy's address, and one person's failed sign-ins slow down all`,
        remedy: 'Set TRUST_PROXY to the address of the proxy that ends TLS, such as TRUST_PROXY=127.0.0.1',
      },
    ];
  if (https || isLoopbackHost(host)) return [];
  const unencrypted = {
    what: `HOST is ${host} and BASE_URL is ${baseUrl}: passwords and cookies cross the network unencrypted`,
    remedy: 'Put a proxy with TLS in front and set BASE_URL=https://…, or listen on HOST=127.0.0.1 only.',
  };
  if (!isLoopbackHost(new URL(baseUrl).hostname)) return [unencrypted];
  return [
    unencrypted,
    {
      what: `BASE_URL is ${baseUrl}, which only this machine can open: at any other address forms are refused as coming from another site`,
      remedy: 'Set BASE_URL to the address that browsers open, such as BASE_URL=http://192.168.1.5:5000',
    },
  ];
}

export function warnOfAddresses(config: Parameters<typeof addressWarnings>[0], log: Log): void {
  for (const { what, remedy } of addressWarnings(config)) log.warn({}, `${what}. ${remedy}`);
}

/** Servers that share a SQLite file work, on one machine; an operator may not know that there are two. */
export function warnOfOtherProcess({ database }: Pick<Config, 'database'>, log: Log): void {
  if (database.dialect !== 'sqlite' || cluster.isWorker || inspectPlace(database.file) !== 'in_use') return;
  log.warn(
    { file: database.file },
    'Another server or command has this database open. Servers that share a SQLite file must run on one machine and end the same sessions; use Postgres for more machines',
  );
}

/** Rows of other nodes may be that much ahead. */
const TOLERANCE_MS = 2 * MINUTE_MS;

/** How far the clock stands before the newest row of the audit log; undefined where it does not. */
export async function clockSetBackMs(
  rows: Pick<AuditRowStore, 'end' | 'find'>,
  clock: Clock,
): Promise<number | undefined> {
  const newest = await rows.find((await rows.end()).lastRow);
  const behindMs = newest === undefined ? 0 : newest.at - clock.now();
  return behindMs > TOLERANCE_MS ? behindMs : undefined;
}

export function describeClockSetBack(behindMs: number, now: number): Warning {
  return {
    what: `The clock says ${formatIst(now)}, ${describeDuration(behindMs)} before the newest entry of the audit log: sessions would live longer than they should`,
    remedy: 'Set the clock, and let NTP keep it right.',
  };
}

export async function warnOfClock({
  auditLog,
  clock,
  log,
}: {
  readonly auditLog: { readonly rows: Pick<AuditRowStore, 'end' | 'find'> };
  readonly clock: Clock;
  readonly log: Log;
}): Promise<void> {
  const behindMs = await clockSetBackMs(auditLog.rows, clock);
  if (behindMs === undefined) return;
  const { what, remedy } = describeClockSetBack(behindMs, clock.now());
  log.error({}, `${what}. ${remedy}`);
}
