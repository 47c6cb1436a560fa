import { describe, expect, it } from 'vitest';
import { createHourHistory } from '../../../src/admin/overview/hour-history.ts';
import { type AuditHour, auditByDay } from '../../../src/admin/overview/hour-rows.ts';
import { createSettableClock } from '../../support/settable-clock.ts';

const hour = (time: string): number => Date.parse(`2026-11-${time}:00:00+05:30`);

describe('the history of a month', () => {
  function open(rows: AuditHour[]) {
    const clock = createSettableClock('2026-11-21T12:00:00+05:30');
    const asked: number[] = [];
    const since = async (instant: number) => {
      asked.push(instant);
      return rows.filter((row) => row.hour >= instant);
    };
    return { clock, asked, history: createHourHistory({ clock, since, toDays: auditByDay }) };
  }
  const row = (time: string, events: number): AuditHour => ({ hour: hour(time), kind: 'k', events });

  it('has what is older than yesterday by the day, and the rest by the hour', async () => {
    const { history } = open([
      row('18T01', 1),
      row('18T23', 2),
      row('19T00', 4),
      row('20T00', 8),
      row('21T11', 16),
    ]);
    expect(await history.read()).toEqual([
      row('18T00', 3),
      row('19T00', 4),
      row('20T00', 8),
      row('21T11', 16),
    ]);
  });

  it('asks for no more than 30 days', async () => {
    const { history, asked } = open([]);
    await history.read();
    expect(Math.min(...asked)).toBe(Date.parse('2026-10-23T00:00:00+05:30'));
  });

  it('sees at once what is new, and reads what is old once in ten minutes', async () => {
    const rows = [row('18T01', 1)];
    const { clock, history, asked } = open(rows);
    await history.read();
    rows.push(row('18T02', 1), row('21T12', 5));
    expect(await history.read()).toEqual([row('18T00', 1), row('21T12', 5)]);
    expect(asked).toHaveLength(3);
    clock.advance(10 * 60_000);
    expect(await history.read()).toEqual([row('18T00', 2), row('21T12', 5)]);
  });

  it('reads anew when a day has passed', async () => {
    const rows = [row('20T01', 1)];
    const { clock, history } = open(rows);
    expect(await history.read()).toEqual([row('20T01', 1)]);
    clock.set('2026-11-22T00:00:00+05:30');
    expect(await history.read()).toEqual([row('20T00', 1)]);
  });
});
