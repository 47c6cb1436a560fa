import type { FileHandle } from 'node:fs/promises';
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { SECOND_MS } from '../core/duration.ts';
import { formatIst } from '../core/ist.ts';
import { AppError, notFound } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { readForm } from '../http/form.ts';
import { type UploadedFile, uploadedFile } from '../http/multipart.ts';
import { renderPage } from '../http/page.ts';
import { SessionEndedError } from '../sessions/session-storage.ts';
import { MASTER_BROKERS, MASTER_FORMATS } from './formats/all-formats.ts';
import type { ImportRecord } from './import-record.ts';
import type { ImportStore } from './import-store.ts';
import { toImportView, toMasterView, toProgressView } from './import-view.ts';
import { MASTER_LIMITS } from './master-limits.ts';
import { receiveFile } from './received-file.ts';
import type { StartedImport, SymbolImporter } from './symbol-importer.ts';
import type { SymbolStore } from './symbol-store.ts';

export interface ImportPageDeps {
  readonly imports: Pick<ImportStore, 'find' | 'listLatest'>;
  readonly importer: Pick<SymbolImporter, 'begin'>;
  readonly listMasters: SymbolStore['listMasters'];
}

export interface ImportPage {
  readonly showAll: RequestHandler;
  readonly receive: RequestHandler;
  readonly showOne: RequestHandler;
  readonly showProgress: RequestHandler;
}

const LISTED = 20;
const LONGEST_FILE_NAME = 100;
const MEBIBYTE = 1024 * 1024;

const FORM = z.object({
  broker: z.enum(['', ...MASTER_BROKERS], { error: 'Choose one of the brokers in the list.' }).default(''),
});

/** The administrators' pages: importing a master, and how it went. */
export function createImportPage({ imports, importer, listMasters }: ImportPageDeps): ImportPage {
  async function render(
    req: Request,
    res: Response,
    fields: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const [masters, latest] = await Promise.all([listMasters(), imports.listLatest(LISTED)]);
    renderPage(req, res, 'symbols/imports', {
      title: 'Import symbols',
      masters: masters.map(toMasterView),
      imports: latest.map(toImportView),
      formats: MASTER_FORMATS.map(({ broker, name, source }) => ({ broker, name, source })),
      limits: {
        fileMb: MASTER_LIMITS.fileBytes / MEBIBYTE,
        instruments: MASTER_LIMITS.instruments.toLocaleString('en-IN'),
      },
      chosen: String(req.body?.broker ?? ''),
      fields,
    });
  }

  /** The import goes on when the answer is out; the page that it leads to tells how far it is. */
  async function beginWith(file: UploadedFile, broker: string, req: Request, res: Response): Promise<void> {
    const begun = await importer.begin({
      fileName: shownFileName(file.name),
      broker: broker === '' ? undefined : broker,
      origin: auditOrigin(req, res),
    });
    if (begun.kind === 'busy') {
      res.status(409);
      return render(req, res, { file: busyWords(begun.running) });
    }
    const handle = await receive(begun.started, file);
    void begun.started.run(handle).finally(() => handle.close());
    res.redirect(303, `/symbols/imports/${begun.started.id}`);
  }

  async function findRecord(req: Request): Promise<ImportRecord> {
    const record = await imports.find(String(req.params['id']));
    if (record === undefined) throw notFound();
    return record;
  }

  return {
    showAll: (req, res) => render(req, res),

    async receive(req, res) {
      const file = uploadedFile(req);
      const form = readForm(FORM, req);
      const fields = {
        ...(form.ok ? {} : form.fields),
        ...(file === undefined || file.name === '' ? { file: 'Choose the file to import.' } : {}),
      };
      if (form.ok && file !== undefined && file.name !== '')
        return beginWith(file, form.values.broker, req, res);
      res.status(400);
      await render(req, res, fields);
    },

    async showOne(req, res) {
      const record = await findRecord(req);
      renderPage(req, res, 'symbols/import', { title: 'Import of symbols', record: toImportView(record) });
    },

    async showProgress(req, res) {
      res.json(toProgressView(await findRecord(req)));
    },
  };
}

/** Throws what there is to say when the file does not come in; the import is given up then. */
async function receive(started: StartedImport, { stream }: UploadedFile): Promise<FileHandle> {
  let size = 0;
  // A connection may be silent for longer than an import may.
  const beat = setInterval(() => void started.receiving(size).catch(() => undefined), SAY_ALIVE_MS);
  const onBytes = (bytes: number): Promise<void> => {
    size = bytes;
    return started.receiving(bytes);
  };
  try {
    return await receiveFile(stream, { mostBytes: MASTER_LIMITS.fileBytes, onBytes });
  } catch (error) {
    const refused = error instanceof AppError ? error : undefined;
    await started.giveUp(refused === undefined ? 'failed' : 'refused', refused?.message ?? BROKEN_OFF);
    if (error instanceof SessionEndedError) throw error;
    throw refused ?? new AppError('invalid', BROKEN_OFF, { cause: error, fields: { file: BROKEN_OFF } });
  } finally {
    clearInterval(beat);
  }
}

const SAY_ALIVE_MS = 5 * SECOND_MS;
const BROKEN_OFF = 'The upload was broken off before the whole file had come in. Nothing was changed.';

function busyWords(running: ImportRecord | undefined): string {
  const since =
    running === undefined ? '' : `, which ${running.requestedBy} began at ${formatIst(running.startedAt)}`;
  return `Another import is running${since}. Wait until it is done, and import the file then.`;
}

function shownFileName(name: string): string {
  return name.replaceAll(/\p{C}/gu, '?').slice(0, LONGEST_FILE_NAME);
}
