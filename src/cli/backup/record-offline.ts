import { createAuditChainStore } from '../../audit/audit-chain-store.ts';
import { createAuditLog } from '../../audit/audit-store.ts';
import type { AuditEvent } from '../../core/audit-event.ts';
import { type DatabaseLocation, openDatabase } from '../../storage/database.ts';
import { CLI_ORIGIN } from '../cli-origin.ts';
import type { CommandContext } from '../command.ts';
import { createErrorLog } from '../error-log.ts';

/** Writes an event into the audit log with nothing but the database: Redis need not answer. */
export async function recordOffline(
  { terminal, clock }: CommandContext,
  location: DatabaseLocation,
  event: AuditEvent,
): Promise<void> {
  const database = await openDatabase(location);
  try {
    const log = createErrorLog(terminal.say);
    const audit = createAuditLog({ chain: createAuditChainStore(database), clock, log });
    await audit.record(event, CLI_ORIGIN);
  } finally {
    await database.close();
  }
}
