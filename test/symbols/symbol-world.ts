import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditEvent } from '../../src/core/audit-event.ts';
import { createCutoffCalendar } from '../../src/core/cutoff.ts';
import { type Caches, createCaches } from '../../src/storage/caches.ts';
import type { Database } from '../../src/storage/database.ts';
import type { ImportOutcome, ImportProgress } from '../../src/symbols/import-record.ts';
import { createSymbolFeature, type SymbolFeature } from '../../src/symbols/symbol-feature.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';

/** The room on a real database, with a clock that stands still between imports, and files to import. */
export interface SymbolWorld {
  readonly room: SymbolFeature;
  readonly database: Database;
  readonly clock: SettableClock;
  readonly caches: Caches;
  /** Newest last. */
  readonly audited: AuditEvent[];
  /** Imports a text, or bytes, as a file of its own; fails where another import runs. */
  importFile(content: string | Buffer, options?: ImportFileOptions): Promise<ImportOutcome>;
  writeFile(content: string | Buffer): string;
  /** The ids of all symbols that are stored. */
  storedIds(): Promise<readonly number[]>;
  /** A further node on the same database, with caches of its own that nobody else clears. */
  anotherRoom(): SymbolFeature;
  removeFiles(): void;
}

export interface ImportFileOptions {
  readonly broker?: string;
  readonly onProgress?: (progress: ImportProgress) => void;
}

export const ORIGIN = { actor: 'asha' } as const;

const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

export function createSymbolWorld(database: Database): SymbolWorld {
  const clock = createSettableClock('2026-11-23T10:00:00+05:30');
  const calendar = createCutoffCalendar({ clock, cutoffTime: () => ({ hour: 3, minute: 0 }) });
  const scratch = createScratchDirectory('symbols');
  const audited: AuditEvent[] = [];

  function createRoom() {
    const caches = createCaches({ clock, calendar });
    const room = createSymbolFeature({
      database,
      caches,
      clock,
      log: silent,
      invalidateCached: async (cache, owner) => void caches.of[cache].clearOwner(owner),
      audit: {
        record: async (event) => void audited.push(event),
        recordMany: async (events) => void audited.push(...events),
      },
    });
    return { room, caches };
  }

  const { room, caches } = createRoom();

  function writeFile(content: string | Buffer): string {
    const file = join(scratch.path, randomUUID());
    writeFileSync(file, content);
    return file;
  }

  return {
    room,
    database,
    clock,
    caches,
    audited,
    writeFile,
    async importFile(content, { broker, onProgress } = {}) {
      clock.advance(1000);
      const begun = await room.importer.begin({ fileName: 'instruments.csv', broker, origin: ORIGIN });
      if (begun.kind === 'busy') throw new Error('Another import is running');
      const handle = await open(writeFile(content));
      try {
        return await begun.started.run(handle, onProgress);
      } finally {
        await handle.close();
      }
    },
    async storedIds() {
      const rows = await database.db.selectFrom('symbols').select('id').orderBy('id').execute();
      return rows.map(({ id }) => id);
    },
    anotherRoom: () => createRoom().room,
    removeFiles: () => scratch.remove(),
  };
}
