import { toIstIso } from '../core/ist.ts';
import { csvLine } from '../http/csv.ts';
import type { Ban } from './ban-store.ts';

export const EXPORT_FORMATS = ['csv', 'json'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

const COLUMNS = ['address', 'until', 'reason', 'note', 'offence', 'banned_at', 'banned_by'] as const;

/** A ban for programs. */
export function banRecord({ subject, until, reason, note, offence, bannedAt, bannedBy }: Ban) {
  return {
    address: subject,
    until: Number.isFinite(until) ? toIstIso(until) : 'permanent',
    reason,
    note,
    offence,
    bannedAt: toIstIso(bannedAt),
    bannedBy,
  };
}

/** The text of a file that `readBanList` reads again, in pieces. */
export async function* writeBanList(
  batches: AsyncIterable<readonly Ban[]>,
  format: ExportFormat,
): AsyncGenerator<string> {
  yield format === 'csv' ? csvLine(COLUMNS) : '{"bans":[\n';
  let separator = '';
  for await (const bans of batches) {
    const records = bans.map(banRecord);
    if (format === 'csv') yield records.map(toLine).join('');
    else yield separator + records.map((record) => JSON.stringify(record)).join(',\n');
    separator = ',\n';
  }
  if (format === 'json') yield '\n]}\n';
}

function toLine({
  address,
  until,
  reason,
  note,
  offence,
  bannedAt,
  bannedBy,
}: ReturnType<typeof banRecord>): string {
  return csvLine([address, until, reason, note, String(offence), bannedAt, bannedBy]);
}
