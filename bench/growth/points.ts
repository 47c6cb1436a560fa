import type { SetupName } from '../comparison.ts';
import type { Workshop } from '../workshop.ts';

export const SECTIONS = ['sessions', 'programs', 'traffic', 'audit'] as const;
export type SectionName = (typeof SECTIONS)[number];

/** One thing measured at growing sizes, by the sizes. */
export interface Line {
  readonly section: SectionName;
  readonly setup: SetupName;
  /** With its unit at the end: `page, p50 ms`. */
  readonly what: string;
  readonly points: Readonly<Record<string, number>>;
}

/** Figures of one size. */
export type Figures = Readonly<Record<string, number>>;

export interface Growth {
  readonly workshop: Workshop;
  /** A hundredth of all sizes. */
  readonly isSmall: boolean;
  readonly say: (text: string) => void;
}

export const BYTES_IN_MB = 2 ** 20;

/** Measures at each size in turn, and says what it found. */
export async function grow(
  { isSmall, say }: Growth,
  section: SectionName,
  setup: SetupName,
  sizes: readonly number[],
  measure: (size: number) => Promise<Figures>,
): Promise<readonly Line[]> {
  const lines = new Map<string, Record<string, number>>();
  for (const full of sizes) {
    const size = isSmall ? Math.max(1, full / 100) : full;
    const startedAt = performance.now();
    const figures = await measure(size);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    const shown = Object.entries(figures).map(([what, value]) => `${what}: ${value.toPrecision(3)}`);
    say(`${section}, ${setup}, ${size} (${seconds} s): ${shown.join('; ')}`);
    // What was not done at a size has no figure there: a hundredth of a small size is none.
    for (const [what, value] of Object.entries(figures))
      if (Number.isFinite(value)) lines.set(what, { ...lines.get(what), [size]: value });
  }
  return [...lines].map(([what, points]) => ({ section, setup, what, points }));
}

/** Of what was done one after the other. */
export function quantile(ms: readonly number[], share: number): number {
  const sorted = ms.toSorted((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
}

export async function timeEach(
  times: number,
  work: (turn: number) => Promise<void>,
): Promise<readonly number[]> {
  const ms: number[] = [];
  for (let turn = 0; turn < times; turn += 1) {
    const startedAt = performance.now();
    await work(turn);
    ms.push(performance.now() - startedAt);
  }
  return ms;
}

/** A page as a browser asks for it; throws unless it is there. */
export async function fetchPage(origin: string, path: string, cookie: string): Promise<string> {
  const answer = await fetch(origin + path, {
    headers: { Accept: 'text/html', Cookie: cookie },
    redirect: 'manual',
  });
  const body = await answer.text();
  if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`);
  return body;
}

/** The median of asking for each page some times, after once to warm up. */
export async function timePages(
  origin: string,
  cookie: string,
  pages: Readonly<Record<string, string>>,
  times: number,
): Promise<Figures> {
  const figures: Record<string, number> = {};
  for (const [what, path] of Object.entries(pages)) {
    await fetchPage(origin, path, cookie);
    const ms = await timeEach(times, async () => void (await fetchPage(origin, path, cookie)));
    figures[`${what}, ms`] = quantile(ms, 0.5);
  }
  return figures;
}
