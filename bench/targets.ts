import { type Comparison, ratiosOf, type SetupName, spreadOf } from './comparison.ts';
import { formatTable } from './report.ts';

/** What is to be reached, and at the least; in one of these units a figure is found in the comparisons. */
export interface Target {
  readonly name: string;
  readonly floor: number;
  readonly goal: number;
  readonly better: 'more' | 'less';
  readonly digits: number;
  /** Of the comparison that the target is about; undefined where it has no such figure. */
  readonly read: (comparison: Comparison) => number | undefined;
}

type Limits = readonly [floor: number, goal: number];

/** How many times better a subject is than another one: the median of the rounds. */
function ratio(
  name: string,
  id: string,
  metric: string,
  [subject, baseline]: readonly [string, string],
  [floor, goal]: Limits,
): Target {
  const read = (comparison: Comparison): number | undefined => {
    const found = comparison.metrics.find((each) => each.name === metric);
    const [one, other] = [subject, baseline].map((each) => subjectOf(comparison, each));
    if (comparison.id !== id || found === undefined || one === undefined || other === undefined)
      return undefined;
    return ratiosOf(one, other, found)?.median;
  };
  return { name, floor, goal, better: 'more', digits: 2, read };
}

/** A figure of Curfew's by itself, which is to be low: the median of the rounds. */
function figure(
  name: string,
  id: string,
  metric: string,
  [floor, goal]: Limits,
  { subject = 'Curfew', digits = 1 } = {},
): Target {
  const read = (comparison: Comparison): number | undefined => {
    const samples = comparison.id === id ? subjectOf(comparison, subject)?.samples : undefined;
    return samples && spreadOf(samples.map((sample) => sample[metric] ?? Number.NaN)).median;
  };
  return { name, floor, goal, better: 'less', digits, read };
}

const subjectOf = ({ subjects }: Comparison, name: string) => subjects.find((each) => each.name === name);

const CPU = 'CPU µs/request';

export const TARGETS: readonly Target[] = [
  ratio('guarded page, CPU against plain', 'page', CPU, ['Curfew', 'plain'], [1.15, 1.3]),
  ratio('guarded page, CPU against plain + luxon', 'page', CPU, ['Curfew', 'plain + luxon'], [1.4, 1.6]),
  ratio('guarded page, p99 against plain', 'page', 'p99 ms', ['Curfew', 'plain'], [0.95, 1.1]),
  ratio('guarded page, CPU against better-auth', 'peer', CPU, ['Curfew', 'better-auth'], [1.5, 1.7]),
  ratio('GET /, CPU against Express + helmet', '/', CPU, ['Curfew', 'Express + helmet'], [0.9, 1]),
  ratio('login form, the same', '/auth/login', CPU, ['Curfew', 'Express + helmet'], [0.9, 1]),
  ratio('static file, the same', '/assets/curfew.css', CPU, ['Curfew', 'Express + helmet'], [0.95, 1]),
  ratio('/dashboard, CPU against the plain page', 'page', CPU, ['Curfew /dashboard', 'plain'], [0.9, 1]),
  figure('/dashboard, Redis commands', 'page', 'Redis commands/request', [3.05, 3.05], {
    subject: 'Curfew /dashboard',
    digits: 2,
  }),
  ratio(
    'API call, warm key, CPU against the guarded page',
    'page',
    CPU,
    ['Curfew API call', 'Curfew'],
    [1.5, 2],
  ),
  figure('static file, p50 ms while 50 people sign in', 'sign-ins', 'static p50 ms', [12, 5]),
  figure('event loop blocked by traffic rows, p99 ms', 'traffic-rows', 'p99 ms', [5, 1], { digits: 2 }),
  figure('100,000 sessions ended at the cutoff, s', 'sweep', 'seconds', [2, 1], { digits: 2 }),
  figure('event loop meanwhile, p99 ms', 'sweep', 'event loop p99 ms', [20, 10]),
  figure('start to listening, s', 'start', 'seconds', [1.5, 0.7], { digits: 2 }),
  figure('allocated by a guarded request, KiB', 'allocations', 'KiB/request', [260, 180]),
];

const SETUPS: readonly SetupName[] = ['SQLite', 'Redis + Postgres'];

/** Targets whose figures were measured, beside what they should be, and which of them fell short; '' where there are none. */
export function formatTargets(comparisons: readonly Comparison[]): string {
  const rows = TARGETS.flatMap((target) => {
    const figures = SETUPS.map((setup) => figureIn(target, comparisons, setup));
    const known = figures.filter((each) => each !== undefined);
    if (known.length === 0) return [];
    const shown = figures.map((each) => each?.toFixed(target.digits) ?? '-');
    return [[target.name, ...shown, String(target.floor), String(target.goal), judge(target, known)]];
  });
  if (rows.length === 0) return '';
  return ['Targets', ...formatTable([['', ...SETUPS, 'floor', 'goal', ''], ...rows])].join('\n');
}

function figureIn(
  { read }: Target,
  comparisons: readonly Comparison[],
  setup: SetupName,
): number | undefined {
  return comparisons
    .filter((comparison) => comparison.setup === setup)
    .map(read)
    .find((each) => each !== undefined);
}

/** By the worse of the two ways to run. */
function judge({ floor, goal, better }: Target, figures: readonly number[]): string {
  const reaches = (limit: number): boolean =>
    figures.every((each) => (better === 'more' ? each >= limit : each <= limit));
  if (reaches(goal)) return 'goal met';
  return reaches(floor) ? 'floor met' : 'FELL SHORT';
}
