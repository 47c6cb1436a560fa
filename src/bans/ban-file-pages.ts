import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { toIstIso } from '../core/ist.ts';
import { AppError } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { readForm } from '../http/form.ts';
import { type UploadedFile, uploadedFile } from '../http/multipart.ts';
import { renderPage } from '../http/page.ts';
import { SessionEndedError } from '../sessions/session-storage.ts';
import { type ExportFormat, writeBanList } from './ban-export.ts';
import { banLength } from './ban-form.ts';
import { PROTECTED_LABELS } from './ban-labels.ts';
import { type BanListReading, MOST_ENTRIES, readBanList } from './ban-list-reader.ts';
import { ownSubject } from './ban-pages.ts';
import type { BanStore } from './ban-store.ts';
import { lengthOptions } from './ban-view.ts';
import type { Bans } from './bans.ts';
import type { ProtectedAddresses } from './protected-addresses.ts';

export interface BanFilePagesDeps {
  readonly bans: Pick<Bans, 'importAll'>;
  readonly banStore: Pick<BanStore, 'listAll'>;
  readonly protectedAddresses: ProtectedAddresses;
  readonly clock: Clock;
}

export interface BanFilePages {
  readonly showImport: RequestHandler;
  readonly importFile: RequestHandler;
  readonly exportAs: (format: ExportFormat) => RequestHandler;
}

type Fields = Readonly<Record<string, string>>;
type BanList = Extract<BanListReading, { kind: 'list' }>;

const MEBIBYTE = 1024 * 1024;

/** Where a file comes in. */
export const LARGEST_BAN_FILE_BYTES = 5 * MEBIBYTE;

/** Problems that the page names; of the others it says how many there are. */
const SHOWN_PROBLEMS = 20;
const CONTENT_TYPES = { csv: 'text/csv; charset=utf-8', json: 'application/json' } as const;

const importForm = z.object({ length: banLength });

/** Lists of bans that come in and go out as files. */
export function createBanFilePages(deps: BanFilePagesDeps): BanFilePages {
  const { bans, banStore, protectedAddresses, clock } = deps;

  return {
    showImport: (req, res) => renderImport(req, res),

    async importFile(req, res) {
      const form = readForm(importForm, req);
      const file = uploadedFile(req);
      const hasFile = file !== undefined && file.name !== '';
      const fields = {
        ...(form.ok ? {} : form.fields),
        ...(hasFile ? {} : { file: 'Choose the file to import.' }),
      };
      if (!form.ok || !hasFile) return renderImport(req, res, fields);
      const content = await receive(file);
      const reading = await readBanList(content, { length: form.values.length, now: clock.now() });
      if (reading.kind === 'unreadable') return renderImport(req, res, { file: reading.why });
      const own = ownSubject(req);
      const isLockOut =
        reading.bans.some(({ subject }) => subject === own) &&
        protectedAddresses.whyProtected(own) === undefined;
      if (isLockOut) return renderImport(req, res, { file: lockOutWords(own) });
      await carryOut(req, res, reading);
    },

    exportAs: (format) =>
      async function exportBans(_req, res) {
        const day = toIstIso(clock.now()).slice(0, 10);
        res.set({
          'Content-Type': CONTENT_TYPES[format],
          'Content-Disposition': `attachment; filename="curfew-bans-${day}.${format}"`,
          'Cache-Control': 'no-store',
        });
        await pipeline(Readable.from(writeBanList(banStore.listAll(clock.now()), format)), res);
      },
  };

  async function carryOut(req: Request, res: Response, { bans: list, bad }: BanList): Promise<void> {
    const { added, known, refused } = await bans.importAll(list, auditOrigin(req, res));
    const problems = [
      ...bad.map(({ line, why }) => `Line ${line} ${why}.`),
      ...refused.map(({ subject, why }) => `${subject} ${PROTECTED_LABELS[why]}`),
    ];
    renderPage(req, res, 'bans/imported', {
      title: 'Bans imported',
      added,
      known,
      problems: problems.slice(0, SHOWN_PROBLEMS),
      otherProblems: Math.max(0, problems.length - SHOWN_PROBLEMS),
    });
  }
}

function renderImport(req: Request, res: Response, fields: Fields = {}): void {
  if (Object.keys(fields).length > 0) res.status(400);
  renderPage(req, res, 'bans/import', {
    title: 'Import bans',
    lengths: lengthOptions(String(req.body?.length ?? '1w')),
    mostMb: LARGEST_BAN_FILE_BYTES / MEBIBYTE,
    mostEntries: MOST_ENTRIES.toLocaleString('en-IN'),
    fields,
  });
}

/** Into memory: it is not more than some megabytes, and what is more is not read. */
async function receive({ stream }: UploadedFile): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > LARGEST_BAN_FILE_BYTES) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof AppError || error instanceof SessionEndedError) throw error;
    throw new AppError('invalid', 'The upload was broken off. Nothing was changed.', { cause: error });
  }
  return Buffer.concat(chunks);
}

function tooLarge(): AppError {
  return new AppError(
    'too_large',
    `The file is too large: it may have ${LARGEST_BAN_FILE_BYTES / MEBIBYTE} MB.`,
  );
}

function lockOutWords(subject: string): string {
  return `The file names ${subject}, which is the address that you are using right now: the ban would lock you out. Nothing was imported. Remove it from the file.`;
}
