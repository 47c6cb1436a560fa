import { randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { type AuditLog, type AuditOrigin, SYSTEM_ORIGIN } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { AppError } from '../errors.ts';
import { SessionEndedError } from '../sessions/session-storage.ts';
import type { Acting } from '../storage/acting.ts';
import { createImportNotes, type ImportNotes } from './import-notes.ts';
import type { ImportOutcome, ImportProgress, ImportRecord } from './import-record.ts';
import { endOf, type ImportStore } from './import-store.ts';
import { createImportTurn, IMPORT_LEASE_MS, ImportStoppedError } from './import-turn.ts';
import { importMaster } from './master-import.ts';
import type { SymbolIndex } from './symbol-index.ts';

export interface ImportRequest {
  /** As the file is called where it comes from. */
  readonly fileName: string;
  /** Undefined where the file's columns are to tell. */
  readonly broker: string | undefined;
  readonly origin: AuditOrigin;
}

/** An import that has its turn. It ends with `run` or with `giveUp`. */
export interface StartedImport {
  readonly id: string;
  /** So many bytes of the file have come in. Throws `ImportStoppedError` where the turn is over. */
  receiving(bytes: number): Promise<void>;
  /** Checks the file, stores it and changes over to it. Never rejects. The handle stays open. */
  run(handle: FileHandle, onProgress?: (progress: ImportProgress) => void): Promise<ImportOutcome>;
  /** Ends it before there is a whole file: why, in a sentence. */
  giveUp(status: 'refused' | 'failed', problem: string): Promise<void>;
}

export type ImportStart =
  | { readonly kind: 'started'; readonly started: StartedImport }
  /** `running` may have ended in this very moment. */
  | { readonly kind: 'busy'; readonly running: ImportRecord | undefined };

export interface SymbolImporter {
  begin(request: ImportRequest): Promise<ImportStart>;
  /** Gives up the import whose process has died. */
  giveUpDead(): Promise<void>;
  /** Ends the imports of this process, and waits for that. */
  stop(): Promise<void>;
}

export interface SymbolImporterDeps {
  readonly imports: ImportStore;
  readonly index: Pick<SymbolIndex, 'prepare' | 'settle'>;
  /** Drops what is cached of the masters, on all nodes. Never rejects. */
  readonly forgetSymbols: () => Promise<void>;
  /** An import acts for the session that began it; its end is written down also when that session has ended. */
  readonly acting: Pick<Acting, 'asServer'>;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly log: Log;
}

const DIED =
  'The program that imported was killed in the middle of it. Nothing was changed: import the file again.';
const SESSION_ENDED =
  'The session that began the import ended before the import did. Nothing was changed: sign in and import the file again.';
const FAULT =
  'Something went wrong on the server, and nothing was changed. The log says what; then try again.';

export function createSymbolImporter(deps: SymbolImporterDeps): SymbolImporter {
  const { imports, audit, clock } = deps;
  const running = new Set<Promise<unknown>>();
  let closing = false;

  async function giveUpDead(): Promise<void> {
    const now = clock.now();
    const died = await imports.giveUpSilent(now - IMPORT_LEASE_MS, DIED, now);
    if (died !== undefined)
      await audit.record({ type: 'symbols.import_failed', broker: undefined, why: DIED }, SYSTEM_ORIGIN);
  }

  return {
    giveUpDead,

    async begin(request) {
      const id = randomUUID();
      await giveUpDead();
      const { fileName, origin } = request;
      const begun = await imports.begin({ id, fileName, requestedBy: origin.actor, now: clock.now() });
      if (!begun) return { kind: 'busy', running: await imports.running() };
      const started = createStartedImport(deps, id, request, () => closing);
      return {
        kind: 'started',
        started: {
          ...started,
          run(handle, onProgress) {
            const work = started.run(handle, onProgress);
            running.add(work);
            return work.finally(() => running.delete(work));
          },
        },
      };
    },

    async stop() {
      closing = true;
      await Promise.allSettled(running);
    },
  };
}

function createStartedImport(
  { imports, index, forgetSymbols, acting, audit, clock, log }: SymbolImporterDeps,
  id: string,
  { broker, origin }: ImportRequest,
  isClosing: () => boolean,
): StartedImport {
  const turn = createImportTurn({ id, imports, clock, isClosing });
  const notes = createImportNotes(broker);

  /** Searches are right without it, and slower until the database has done it by itself. */
  const settle = (): Promise<void> =>
    index
      .settle()
      .catch((err: unknown) => log.warn({ err }, 'The index of symbols could not be put in order'));

  /** A database that is away cannot be told: then the import is found silent later, and given up. */
  async function giveUp(status: 'refused' | 'failed', problem: string): Promise<ImportOutcome> {
    await acting
      .asServer(() => imports.giveUp(id, status, problem, endOf(notes, clock.now())))
      .catch((err: unknown) =>
        log.warn({ err, importId: id }, 'The end of an import could not be written down'),
      );
    const type = status === 'refused' ? 'symbols.import_refused' : 'symbols.import_failed';
    await audit.record({ type, broker: notes.broker, why: problem }, origin);
    return { status, problem, ...linesOf(notes) };
  }

  function giveUpFor(error: unknown): Promise<ImportOutcome> {
    if (error instanceof AppError) return giveUp('refused', error.message);
    if (error instanceof ImportStoppedError) return giveUp('failed', error.message);
    if (error instanceof SessionEndedError) return giveUp('failed', SESSION_ENDED);
    log.error({ err: error, importId: id }, 'An import of symbols failed');
    return giveUp('failed', FAULT);
  }

  /** The answer to the commit that changes over may get lost on its way. How many instruments there are, if it went through. */
  async function findDone(): Promise<number | undefined> {
    const record = await imports.find(id).catch(() => undefined);
    return record?.status === 'done' ? record.instruments : undefined;
  }

  async function finish(instruments: number): Promise<ImportOutcome> {
    await forgetSymbols();
    const imported = { broker: notes.broker ?? '', instruments };
    await audit.record({ type: 'symbols.imported', ...imported, badLines: notes.badLines }, origin);
    return { status: 'done', ...imported, ...linesOf(notes) };
  }

  return {
    id,
    receiving: (bytes) => turn.sayAlive({ stage: 'receiving', done: bytes, total: bytes }),
    async giveUp(status, problem) {
      await giveUp(status, problem);
    },

    async run(handle, onProgress = () => undefined) {
      const to = { prepare: index.prepare, settle };
      try {
        return await finish(await importMaster({ turn, handle, broker, notes, index: to, onProgress }));
      } catch (error) {
        const instruments = await findDone();
        return instruments === undefined ? giveUpFor(error) : finish(instruments);
      }
    },
  };
}

const linesOf = ({ badLines, badLineSamples }: ImportNotes) => ({ badLines, badLineSamples });
