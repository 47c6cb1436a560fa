import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import { toIstIso } from '../../core/ist.ts';
import { csvLine } from '../../http/csv.ts';
import type { StoredTraffic } from './traffic-search-store.ts';

/** Most rows of an export: a spreadsheet still opens them, and the server sends them without delaying others. */
export const MOST_EXPORTED = 100_000;

const COLUMNS = [
  'time',
  'method',
  'path',
  'route',
  'class',
  'status',
  'answered',
  'duration_ms',
  'bytes',
  'user',
  'address',
  'request_id',
  'requests',
] as const;

/** The text of a CSV file, in pieces. A file that does not hold everything says so in its last line. */
export async function* writeTraffic(
  batches: AsyncIterable<readonly StoredTraffic[]>,
  mostRows = MOST_EXPORTED,
): AsyncGenerator<string> {
  yield csvLine(COLUMNS);
  let room = mostRows;
  for await (const entries of batches) {
    yield entries.slice(0, room).map(toLine).join('');
    if (entries.length > room) return yield cutOff(mostRows);
    room -= entries.length;
  }
}

function toLine(entry: StoredTraffic): string {
  return csvLine([
    toIstIso(entry.at),
    entry.method,
    entry.path,
    entry.pattern ?? '',
    entry.routeClass,
    String(entry.status),
    entry.aborted ? 'no' : 'yes',
    String(entry.durationMs),
    String(entry.bytes),
    entry.username ?? entry.userId ?? '',
    entry.address ?? '',
    entry.requestId,
    String(entry.requests),
  ]);
}

function cutOff(mostRows: number): string {
  const words = `This file ends after ${mostRows} requests, and there are more. Choose a shorter time to get the rest.`;
  return csvLine([words, ...COLUMNS.slice(1).map(() => '')]);
}

/** Sends a text that is made while it is sent. A client that goes away in the middle has changed its mind: nothing failed. */
export async function sendInPieces(res: Response, pieces: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(Readable.from(pieces), res);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
