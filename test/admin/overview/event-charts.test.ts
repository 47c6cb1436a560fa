import { describe, expect, it } from 'vitest';
import { eventCharts } from '../../../src/admin/overview/event-charts.ts';
import { lastHours } from '../../../src/admin/overview/period.ts';
import { REVOCATION_REASONS } from '../../../src/core/revocation.ts';

const NOW = Date.parse('2026-11-21T12:16:40+05:30');
const hour = (time: string): number => Date.parse(`${time}:00:00+05:30`);
const period = lastHours(NOW);

function seriesOf(id: string, rows: Parameters<typeof eventCharts>[0]) {
  const chart = eventCharts(rows, period).find((each) => each.id === `${id}-by-hour`);
  return Object.fromEntries((chart?.series ?? []).map(({ name, values }) => [name, values]));
}

describe('charts of what was recorded', () => {
  it('show sign-ins, failures and refusals in their hours, and zeros in all others', () => {
    const series = seriesOf('sign-ins', [
      { hour: hour('2026-11-21T09'), kind: 'login.succeeded', events: 7 },
      { hour: hour('2026-11-21T09'), kind: 'login.failed:credentials', events: 2 },
      { hour: hour('2026-11-21T09'), kind: 'login.failed:disabled', events: 1 },
      { hour: hour('2026-11-21T12'), kind: 'login.failed:rate_limited', events: 4 },
      { hour: hour('2026-11-20T12'), kind: 'login.succeeded', events: 100 },
      { hour: hour('2026-11-21T09'), kind: 'settings.changed', events: 100 },
    ]);
    const only = (index: number, value: number) =>
      Array.from({ length: 24 }, (_, each) => (each === index ? value : 0));
    expect(series['Signed in']).toEqual(only(20, 7));
    expect(series['Wrong name, password or code']).toEqual(only(20, 3));
    expect(series['Too many tries']).toEqual(only(23, 4));
  });

  it('count every reason for which a session ends once, also one that is not known yet', () => {
    const reasons = [...REVOCATION_REASONS, 'another_one'];
    const rows = reasons.map((reason) => ({
      hour: hour('2026-11-21T03'),
      kind: `session.ended:${reason}`,
      events: 1,
    }));
    const sum = Object.values(seriesOf('endings', rows)).reduce(
      (total, values) => total + (values[14] ?? 0),
      0,
    );
    expect(sum).toBe(reasons.length);
  });

  it('count every ban once', () => {
    const rows = ['invalid_api_keys', 'suspicious_paths', 'manual', 'imported'].map((reason) => ({
      hour: hour('2026-11-21T11'),
      kind: `ban.added:${reason}`,
      events: 1,
    }));
    const series = seriesOf('bans', rows);
    expect(Object.values(series).map((values) => values[22])).toEqual([1, 1, 2]);
  });
});
