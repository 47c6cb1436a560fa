import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AuditLog, AuditOrigin } from '../core/audit-event.ts';
import {
  CIPHERTEXT_COLUMNS,
  type CiphertextColumn,
  type CiphertextStore,
  type StoredCiphertext,
} from './ciphertext-store.ts';
import type { Cipher, KeyRing, Renewal } from './key-ring.ts';

/** Result of a rotation for the ciphertexts of one column. */
export interface RotationCount {
  /** Encrypted anew with the newest key. */
  readonly renewed: number;
  /** The newest key reads them already. */
  readonly current: number;
  /** No key of ENCRYPTION_KEY reads them. */
  readonly unreadable: number;
  /** Changed or wiped by the running server in the very moment; what is there now is newer. */
  readonly changed: number;
}

export interface RotationProgress {
  readonly column: CiphertextColumn;
  readonly done: number;
  readonly total: number;
}

/** One for each column, in the order of `CIPHERTEXT_COLUMNS`. */
export type RotationReport = readonly ColumnRotation[];
export type ColumnRotation = RotationCount & { readonly column: CiphertextColumn };

export interface KeyRotation {
  /**
   * Encrypts everything anew with the newest key that it does not protect already. Beside a running server and as often
   * as one likes: a rotation that was cut short is ended by the next one.
   */
  run(origin: AuditOrigin, onProgress?: (progress: RotationProgress) => void): Promise<RotationReport>;
}

export interface KeyRotationDeps {
  readonly ciphertexts: CiphertextStore;
  readonly keyRing: KeyRing;
  readonly audit: AuditLog;
}

const BATCH = 200;

export function createKeyRotation({ ciphertexts, keyRing, audit }: KeyRotationDeps): KeyRotation {
  return {
    async run(origin, onProgress = () => undefined) {
      const report: ColumnRotation[] = [];
      for (const column of CIPHERTEXT_COLUMNS)
        report.push({ column, ...(await rotateColumn(column, onProgress)) });
      const sum = (name: keyof RotationCount) => report.reduce((total, each) => total + each[name], 0);
      const event = { type: 'keys.rotated', renewed: sum('renewed'), unreadable: sum('unreadable') } as const;
      await audit.record(event, origin);
      return report;
    },
  };

  async function rotateColumn(
    column: CiphertextColumn,
    onProgress: (progress: RotationProgress) => void,
  ): Promise<RotationCount> {
    const count = { renewed: 0, current: 0, unreadable: 0, changed: 0 };
    const total = await ciphertexts.count(column);
    let done = 0;
    for (let after = ''; ; ) {
      const batch = await ciphertexts.listAfter(column, after, BATCH);
      const last = batch.at(-1);
      if (last === undefined) return count;
      for (const stored of batch) count[await rotate(column, stored)] += 1;
      after = last.key;
      done += batch.length;
      onProgress({ column, done, total: Math.max(total, done) });
      await nextTurn();
    }
  }

  async function rotate(column: CiphertextColumn, stored: StoredCiphertext): Promise<keyof RotationCount> {
    const cipher = keyRing.forPurpose(stored.purpose);
    const renewal =
      column.mark === undefined
        ? cipher.renew(stored.ciphertext)
        : renewWithin(stored.ciphertext, column.mark, cipher);
    if (renewal.kind !== 'renewed') return renewal.kind;
    return (await ciphertexts.replace(column, stored, renewal.ciphertext)) ? 'renewed' : 'changed';
  }
}

/** The ciphertexts that stand behind a mark in a text. One that no key reads stays as it is. */
function renewWithin(text: string, mark: string, cipher: Cipher): Renewal {
  const kinds = new Set<Renewal['kind']>();
  const ciphertext = text.replace(new RegExp(`(?<=${mark})[\\w=-]+`, 'g'), (sealed) => {
    const renewal = cipher.renew(sealed);
    kinds.add(renewal.kind);
    return renewal.kind === 'renewed' ? renewal.ciphertext : sealed;
  });
  if (kinds.has('renewed')) return { kind: 'renewed', ciphertext };
  return { kind: kinds.has('unreadable') ? 'unreadable' : 'current' };
}
