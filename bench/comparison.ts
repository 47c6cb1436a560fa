/** What is measured, and which way is better; `undefined` where neither is. */
export interface Metric {
  readonly name: string;
  readonly better: 'more' | 'less' | undefined;
  readonly digits: number;
}

/** One round's figures, by the names of the metrics. */
export type Sample = Readonly<Record<string, number>>;

export interface Subject {
  readonly name: string;
  readonly samples: readonly Sample[];
}

/** Curfew's two ways to run. */
export type SetupName = 'SQLite' | 'Redis + Postgres';

/** Subjects measured in alternating rounds. The first one is what the others are compared with. */
export interface Comparison {
  /** By which the targets find it. */
  readonly id?: string;
  /** Where it was made in one of the two ways to run. */
  readonly setup?: SetupName;
  readonly title: string;
  readonly metrics: readonly Metric[];
  readonly subjects: readonly Subject[];
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Measures each subject once in each round, and begins every round with another one. */
export async function alternate(
  subjects: Readonly<Record<string, () => Promise<Sample>>>,
  rounds: number,
): Promise<readonly Subject[]> {
  const entries = Object.entries(subjects).map(([name, measure]) => ({
    name,
    measure,
    samples: [] as Sample[],
  }));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < entries.length; turn += 1) {
      const entry = entries[(round + turn) % entries.length];
      entry?.samples.push(await entry.measure());
    }
  }
  return entries.map(({ name, samples }) => ({ name, samples }));
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  const high = sorted[Math.floor(middle)] ?? Number.NaN;
  return { median: (low + high) / 2, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

/** How many times better than the first subject, round by round: noise that both met in a round drops out. */
export function ratiosOf(subject: Subject, baseline: Subject, { name, better }: Metric): Spread | undefined {
  if (better === undefined || subject === baseline) return undefined;
  const ratios = subject.samples.map((sample, round) => {
    const ratio = (sample[name] ?? Number.NaN) / (baseline.samples[round]?.[name] ?? Number.NaN);
    return better === 'more' ? ratio : 1 / ratio;
  });
  return spreadOf(ratios);
}
