import type { Chart, ChartSeries, ChartTone } from './chart.ts';
import type { AuditHour } from './hour-rows.ts';
import type { Period } from './period.ts';
import { countKinds, type EventTally, tallyEvents } from './tallies.ts';

interface SeriesPlan {
  readonly name: string;
  readonly tone: ChartTone;
  /** Kinds of events as audit_hours has them; one that ends in `*` stands for all that begin so and no other one names. */
  readonly kinds: readonly string[];
}

interface ChartPlan {
  readonly id: string;
  readonly title: string;
  readonly series: readonly SeriesPlan[];
  readonly nothing: string;
  readonly note: string;
  readonly behind: Chart['behind'];
}

const PLANS: readonly ChartPlan[] = [
  {
    id: 'sign-ins',
    title: 'Sign-ins',
    series: [
      { name: 'Signed in', tone: 1, kinds: ['login.succeeded'] },
      { name: 'Wrong name, password or code', tone: 2, kinds: ['login.failed:*'] },
      { name: 'Too many tries', tone: 3, kinds: ['login.failed:rate_limited'] },
    ],
    nothing: 'no sign-in and no attempt.',
    note: '',
    behind: { href: '/security/audit?kind=sign-ins', text: 'Audit log' },
  },
  {
    id: 'endings',
    title: 'Sessions ended',
    series: [
      { name: 'Cutoff', tone: 1, kinds: ['session.ended:cutoff'] },
      { name: 'Idle', tone: 2, kinds: ['session.ended:idle'] },
      {
        name: 'Signed out',
        tone: 3,
        kinds: ['session.ended:logged_out', 'session.ended:logged_out_everywhere'],
      },
      {
        name: 'By an administrator',
        tone: 4,
        kinds: ['session.ended:ended_by_admin', 'session.ended:account_disabled'],
      },
      { name: 'Otherwise', tone: 5, kinds: ['session.ended:*'] },
    ],
    nothing: 'none.',
    note: 'Sessions of one person that ended together count once.',
    behind: { href: '/security/receipts', text: 'Receipts' },
  },
  {
    id: 'bans',
    title: 'Bans',
    series: [
      { name: 'Invalid API keys', tone: 1, kinds: ['ban.added:invalid_api_keys'] },
      { name: 'Suspicious paths', tone: 2, kinds: ['ban.added:suspicious_paths'] },
      { name: 'By hand', tone: 3, kinds: ['ban.added:*'] },
    ],
    nothing: 'none.',
    note: 'Without imported lists.',
    behind: { href: '/security/bans', text: 'Bans' },
  },
];

/** Charts of the events that the audit log has counted. */
export function eventCharts(rows: readonly AuditHour[], period: Period): readonly Chart[] {
  const tally = tallyEvents(rows, period);
  return PLANS.map(({ series, id, ...plan }) => ({
    ...plan,
    id: `${id}-by-${period.unit}`,
    shape: 'bars',
    measure: 'count',
    period,
    series: series.map((each) => toSeries(each, series, tally)),
  }));
}

function toSeries(
  { name, tone, kinds }: SeriesPlan,
  all: readonly SeriesPlan[],
  tally: EventTally,
): ChartSeries {
  const named = new Set(all.flatMap((each) => each.kinds));
  const prefixes = kinds.filter((kind) => kind.endsWith('*')).map((kind) => kind.slice(0, -1));
  const exact = new Set(kinds);
  const values = countKinds(
    tally,
    (kind) => exact.has(kind) || (!named.has(kind) && prefixes.some((prefix) => kind.startsWith(prefix))),
  );
  return { name, tone, values, whole: values.reduce((sum, value) => sum + value, 0) };
}
