import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AuditEvent, AuditLog, AuditOrigin } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Database } from '../storage/database.ts';

/** As many rows as fit into one statement on both databases. */
const ROWS_AT_ONCE = 500;

/**
 * The audit log as a table. An entry that could not be written goes to the log instead, whole: an event is nowhere to
 * be lost, and a full disk must not keep anybody from logging out.
 */
export function createAuditLog({ db }: Database, clock: Clock, log: Log): AuditLog {
  function toRow(event: AuditEvent, origin: AuditOrigin) {
    return {
      at: clock.now(),
      type: event.type,
      user_id: userIdOf(event),
      actor: origin.actor,
      address: origin.address ?? null,
      request_id: origin.requestId ?? null,
      detail: JSON.stringify(event),
    };
  }

  async function recordMany(events: readonly AuditEvent[], origin: AuditOrigin): Promise<void> {
    for (let start = 0; start < events.length; start += ROWS_AT_ONCE) {
      // SQLite answers within the same turn: twenty thousand rows at a cutoff would keep everybody else waiting.
      if (start > 0) await nextTurn();
      const rows = events.slice(start, start + ROWS_AT_ONCE).map((event) => toRow(event, origin));
      try {
        await db.insertInto('audit_log').values(rows).execute();
      } catch (error) {
        log.error(
          { err: error, audit: rows },
          'The audit log could not be written; its entries are in this line',
        );
      }
    }
  }

  return { record: (event, origin) => recordMany([event], origin), recordMany };
}

function userIdOf(event: AuditEvent): string | null {
  if ('userId' in event) return event.userId;
  return event.type === 'revocation.carried_out' ? (event.receipt.userId ?? null) : null;
}
