import { join } from 'node:path';
import { sql } from 'kysely';
import { type AuditChainStore, createAuditChainStore } from '../../src/audit/audit-chain-store.ts';
import { type AuditRowStore, createAuditRowStore } from '../../src/audit/audit-row-store.ts';
import { createAuditLog } from '../../src/audit/audit-store.ts';
import type { AuditLog } from '../../src/core/audit-event.ts';
import { type Database, type DatabaseLocation, openDatabase } from '../../src/storage/database.ts';
import { createRecordingLog } from '../broker/recording-log.ts';
import { postgresLocation } from '../support/databases.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { createSettableClock } from '../support/settable-clock.ts';

export const MORNING = '2026-11-20T09:15:00+05:30';

/** One process that records. */
export interface AuditNode {
  readonly database: Database;
  readonly chain: AuditChainStore;
  readonly rows: AuditRowStore;
  readonly audit: AuditLog;
}

/** A place for several processes to open, on both databases. */
export const LOCATIONS: readonly (readonly [string, () => Promise<DatabaseLocation>])[] = [
  [
    'SQLite',
    async () => ({ dialect: 'sqlite', file: join(createScratchDirectory('audit').path, 'curfew.db') }),
  ],
  ['Postgres', postgresLocation],
];

export async function createAuditWorld(location: DatabaseLocation) {
  const clock = createSettableClock(MORNING);
  const log = createRecordingLog();
  const nodes: AuditNode[] = [];

  async function addNode(): Promise<AuditNode> {
    const database = await openDatabase(location);
    const chain = createAuditChainStore(database);
    const node = {
      database,
      chain,
      rows: createAuditRowStore(database),
      audit: createAuditLog({ chain, clock, log }),
    };
    nodes.push(node);
    return node;
  }

  const node = await addNode();
  return {
    location,
    clock,
    log,
    ...node,
    addNode,
    /** As somebody would who has the database in their hands. */
    async dropTriggers() {
      const { db, dialect } = node.database;
      if (dialect === 'postgres') {
        await sql`alter table audit_log disable trigger user`.execute(db);
        await sql`alter table audit_head disable trigger user`.execute(db);
        return;
      }
      const { rows } = await sql<{
        name: string;
      }>`select name from sqlite_master where type = 'trigger'`.execute(db);
      for (const { name } of rows) await sql`drop trigger ${sql.ref(name)}`.execute(db);
    },
    execute: (statement: string) => sql.raw(statement).execute(node.database.db),
    stored: () => node.database.db.selectFrom('audit_log').selectAll().orderBy('id').execute(),
    close: async () => {
      for (const each of nodes) await each.database.close();
    },
  };
}

export type AuditWorld = Awaited<ReturnType<typeof createAuditWorld>>;
