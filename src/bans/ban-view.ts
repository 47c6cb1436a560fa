import { BAN_LENGTHS, type BanLength } from '../core/ban-policy.ts';
import { LENGTH_LABELS, REASON_LABELS } from './ban-labels.ts';
import type { Ban } from './ban-store.ts';

/** A ban as pages show it. */
export interface BanView {
  readonly id: number;
  readonly subject: string;
  readonly reason: string;
  /** `2nd offence`; '' for a manual ban. */
  readonly offence: string;
  readonly note: string;
  /** '' for the server. */
  readonly bannedBy: string;
  readonly bannedAt: number;
  /** Undefined for a permanent one. */
  readonly until: number | undefined;
}

export function toBanView({ id, subject, reason, offence, note, bannedBy, bannedAt, until }: Ban): BanView {
  return {
    id,
    subject,
    reason: REASON_LABELS[reason],
    offence: offence === 0 ? '' : `${ordinal(offence)} offence`,
    note,
    bannedBy: offence === 0 ? bannedBy : '',
    bannedAt,
    until: Number.isFinite(until) ? until : undefined,
  };
}

export function lengthOptions(chosen: string | undefined) {
  return BAN_LENGTHS.map((value) => ({ value, label: LENGTH_LABELS[value], chosen: value === chosen }));
}

/** `for 24 hours`, `permanently`. */
export function lengthPhrase(length: BanLength): string {
  return length === 'permanent' ? 'permanently' : `for ${LENGTH_LABELS[length].toLowerCase()}`;
}

function ordinal(number: number): string {
  const ending = ['th', 'st', 'nd', 'rd'][number % 10] ?? 'th';
  return `${number}${[11, 12, 13].includes(number % 100) ? 'th' : ending}`;
}
