export type ImportStatus = 'running' | 'done' | 'refused' | 'failed';

/** `receiving` and `checking` are counted in bytes, `storing` in instruments. */
export type ImportStage = 'receiving' | 'checking' | 'storing';

export interface ImportProgress {
  readonly stage: ImportStage;
  readonly done: number;
  readonly total: number;
}

/** A line that was left out. */
export interface BadLine {
  /** From 1, as editors count. */
  readonly number: number;
  /** In words that stand behind the number. */
  readonly why: string;
}

/** An import, while it runs and afterwards. Instants in ms since the epoch. */
export interface ImportRecord {
  readonly id: string;
  /** Undefined until the file has told. */
  readonly broker: string | undefined;
  readonly fileName: string;
  readonly requestedBy: string;
  readonly status: ImportStatus;
  readonly progress: ImportProgress;
  readonly startedAt: number;
  readonly finishedAt: number | undefined;
  readonly instruments: number;
  /** How many the master had that this one took the place of. */
  readonly instrumentsBefore: number;
  readonly badLines: number;
  /** The first of them. */
  readonly badLineSamples: readonly BadLine[];
  /** Why it was refused or failed: a sentence. */
  readonly problem: string | undefined;
}

/** How an import ended, for the user who ran it. */
export type ImportOutcome = (
  | { readonly status: 'done'; readonly broker: string; readonly instruments: number }
  /** Refused is the file, for what is in it. `problem`: why, in a sentence. */
  | { readonly status: 'refused' | 'failed'; readonly problem: string }
) & {
  readonly badLines: number;
  readonly badLineSamples: readonly BadLine[];
};

/** How far an import is, from 0 to 1: looking through a file takes about a third of the time. */
export function shareDone({ stage, done, total }: ImportProgress): number {
  const share = total === 0 ? 0 : Math.min(1, done / total);
  if (stage === 'receiving') return 0;
  return stage === 'checking' ? share * 0.3 : 0.3 + share * 0.7;
}
