import type { Clock } from '../core/clock.ts';
import { SECOND_MS } from '../core/duration.ts';
import type { ImportNotes } from './import-notes.ts';
import type { ImportProgress } from './import-record.ts';
import { endOf, type ImportStore, type NewMaster, type SymbolBatch } from './import-store.ts';

/** How often a running import says that it is alive, while it has nothing to store. */
const SAY_ALIVE_MS = 0.5 * SECOND_MS;
/** Well above that: an import that is silent for so long has died with its process. */
export const IMPORT_LEASE_MS = 15 * SECOND_MS;

/** The import has lost its turn, or the server is closing. */
export class ImportStoppedError extends Error {
  constructor() {
    super(
      'The import was stopped: the server was closed, or it was silent for too long. Import the file again.',
    );
    this.name = 'ImportStoppedError';
  }
}

/** The right to import, which one import has at a time. Everything it writes goes through here and throws `ImportStoppedError` once that is over. */
export interface ImportTurn {
  readonly id: string;
  /** To be called often; writes now and then. */
  sayAlive(progress: ImportProgress): Promise<void>;
  reserve(count: number): Promise<{ readonly firstId: number; readonly lastId: number }>;
  insert(batch: SymbolBatch, progress: ImportProgress): Promise<void>;
  changeOver(master: NewMaster, notes: ImportNotes): Promise<void>;
}

export interface ImportTurnDeps {
  readonly id: string;
  readonly imports: ImportStore;
  readonly clock: Clock;
  readonly isClosing: () => boolean;
}

export function createImportTurn({ id, imports, clock, isClosing }: ImportTurnDeps): ImportTurn {
  let saidAliveAt = clock.now();

  async function whileOurs<T>(write: () => Promise<T | false | undefined>): Promise<T> {
    if (isClosing()) throw new ImportStoppedError();
    const result = await write();
    if (result === false || result === undefined) throw new ImportStoppedError();
    return result;
  }

  return {
    id,
    async sayAlive(progress) {
      const now = clock.now();
      if (now - saidAliveAt < SAY_ALIVE_MS && !isClosing()) return;
      saidAliveAt = now;
      await whileOurs(() => imports.sayAlive(id, progress, now));
    },
    reserve: (count) => whileOurs(() => imports.reserve(id, count, clock.now())),
    async insert(batch, progress) {
      saidAliveAt = clock.now();
      await whileOurs(() => imports.insert(id, batch, progress, saidAliveAt));
    },
    async changeOver(master, notes) {
      await whileOurs(() => imports.changeOver(id, master, endOf(notes, clock.now())));
    },
  };
}
