import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parse } from 'csv-parse';
import { type BanLength, banEnd } from '../core/ban-policy.ts';
import { fromIso } from '../core/ist.ts';
import { readAllowedAddress } from '../http/allowed-address.ts';
import { readCsvCell } from '../http/csv.ts';
import { whyForeignFile } from '../http/file-type-check.ts';
import { isWithinJsonBounds } from '../http/json-shape.ts';
import { banNote } from './ban-form.ts';
import { readBanSubject } from './ban-subject.ts';
import type { ImportedBan } from './bans.ts';

export const MOST_ENTRIES = 50_000;

/** As much of a text, and as many entries, as are read before others have their turn. */
const PIECE_LENGTH = 16 * 1024;
const ENTRIES_AT_ONCE = 500;
/** More lines than that need not be read: a line with the names of columns may be among them. */
const MOST_LINES = MOST_ENTRIES + 2;
/** `{"bans":[{…}]}`, and in an entry some more than we read; half a million signs are looked at in milliseconds. */
const JSON_BOUNDS = { depth: 6, values: MOST_ENTRIES * 12 } as const;

/** Why an entry was left out, in words; `line` counts entries from 1 where the file is JSON. */
export interface BadEntry {
  readonly line: number;
  readonly why: string;
}

export type BanListReading =
  | { readonly kind: 'list'; readonly bans: readonly ImportedBan[]; readonly bad: readonly BadEntry[] }
  | { readonly kind: 'unreadable'; readonly why: string };

/** An entry as the file has it. */
interface Entry {
  readonly line: number;
  readonly address: unknown;
  readonly until: unknown;
  readonly note: unknown;
}

/**
 * Reads a list of bans: what the export writes, other CSV with a column `address`, a JSON list of such objects or of
 * addresses, or one address in a line. What it is, its content says and not its name. `length` is for entries that name
 * no end. A long list yields to other requests while it is read.
 */
export async function readBanList(
  content: Uint8Array,
  { length, now }: { readonly length: BanLength; readonly now: number },
): Promise<BanListReading> {
  const foreign = whyForeignFile(content);
  if (foreign !== undefined) return unreadable(foreign);
  const text = decode(content);
  if (text === undefined) return unreadable('The file is neither CSV nor JSON: it is not text in UTF-8.');
  const entries = /^\s*[[{]/.test(text) ? readJson(text) : await readCsv(text);
  if (typeof entries === 'string') return unreadable(entries);
  if (entries.length === 0) return unreadable('The file has no entries.');
  if (entries.length > MOST_ENTRIES)
    return unreadable(
      `The file has more than ${MOST_ENTRIES.toLocaleString('en-IN')} entries, which are the most.`,
    );

  const bans = new Map<string, ImportedBan>();
  const bad: BadEntry[] = [];
  for (const [index, entry] of entries.entries()) {
    if (index % ENTRIES_AT_ONCE === 0) await nextTurn();
    const read = readEntry(entry, { length, now });
    if ('why' in read) bad.push({ line: entry.line, why: read.why });
    else bans.set(read.subject, read);
  }
  return { kind: 'list', bans: [...bans.values()], bad };
}

function decode(content: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    return undefined;
  }
}

function readJson(text: string): readonly Entry[] | string {
  if (!isWithinJsonBounds(text, JSON_BOUNDS))
    return `The file has more in it than a list of ${MOST_ENTRIES.toLocaleString('en-IN')} bans can have.`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'The file begins like JSON and cannot be read as JSON.';
  }
  const list: unknown = isRecord(value) ? value['bans'] : value;
  if (!Array.isArray(list)) return 'The file is JSON without a list: expected is {"bans":[…]} or […].';
  return list.map((item: unknown, index) =>
    isRecord(item)
      ? { line: index + 1, address: item['address'], until: item['until'], note: item['note'] }
      : { line: index + 1, address: item, until: undefined, note: undefined },
  );
}

async function readCsv(text: string): Promise<readonly Entry[] | string> {
  const rows = await parseRows(text);
  if (rows === undefined) return 'The file cannot be read as CSV: a quotation mark is missing or misplaced.';
  const [first] = rows;
  if (first === undefined) return [];
  const names = first.cells.map((cell) => cell.toLowerCase());
  const hasHeader = names.includes('address');
  if (!hasHeader && !rows.some(({ cells }) => readBanSubject(cells[0] ?? '') !== undefined))
    return 'The file has no column “address”, and no line that begins with an address.';
  const at = (name: string, position: number) => (hasHeader ? names.indexOf(name) : position);
  const [address, until, note] = [at('address', 0), at('until', -1), at('note', 1)];
  return rows
    .slice(hasHeader ? 1 : 0)
    .map(({ line, cells }) => ({ line, address: cells[address], until: cells[until], note: cells[note] }));
}

interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

/** Undefined for what is no CSV. */
async function parseRows(text: string): Promise<readonly Row[] | undefined> {
  const parser = parse({
    bom: true,
    trim: true,
    relax_column_count: true,
    skip_empty_lines: true,
    comment: '#',
    info: true,
  });
  const rows: Row[] = [];
  try {
    const records: AsyncIterable<ParsedRecord> = Readable.from(piecesOf(text)).pipe(parser);
    for await (const { record, info } of records) {
      rows.push({ line: info.lines, cells: record.map(readCsvCell) });
      if (rows.length >= MOST_LINES) break;
    }
    return rows;
  } catch {
    return undefined;
  }
}

interface ParsedRecord {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

async function* piecesOf(text: string): AsyncGenerator<string> {
  for (let start = 0; start < text.length; start += PIECE_LENGTH) {
    yield text.slice(start, start + PIECE_LENGTH);
    await nextTurn();
  }
}

function readEntry(
  { address, until, note }: Entry,
  { length, now }: { readonly length: BanLength; readonly now: number },
): ImportedBan | { readonly why: string } {
  const subject = typeof address === 'string' ? readBanSubject(address) : undefined;
  if (subject === undefined) return { why: whyNoSubject(address) };
  const end = readEnd(until, banEnd(length, now));
  if (Number.isNaN(end))
    return { why: 'has an end that is neither an instant with an offset nor “permanent”' };
  if (end <= now) return { why: 'is over already' };
  const words = banNote.safeParse(note ?? '');
  if (!words.success) return { why: 'has a note that is too long, or that cannot be shown' };
  return { subject, until: end, note: words.data };
}

function whyNoSubject(address: unknown): string {
  return typeof address === 'string' && readAllowedAddress(address) !== undefined
    ? 'is a block of addresses: a ban is for one address, or for a /64 of IPv6'
    : 'is no address';
}

/** NaN for what is no end. */
function readEnd(until: unknown, otherwise: number): number {
  if (until === undefined || until === null || until === '') return otherwise;
  if (until === 'permanent') return Number.POSITIVE_INFINITY;
  return typeof until === 'string' && /T.*(?:Z|[+-]\d\d:\d\d)$/.test(until) ? fromIso(until) : Number.NaN;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const unreadable = (why: string): BanListReading => ({ kind: 'unreadable', why });
