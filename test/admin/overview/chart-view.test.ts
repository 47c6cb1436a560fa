import { describe, expect, it } from 'vitest';
import { toChartView } from '../../../src/admin/overview/chart-view.ts';
import { eventCharts } from '../../../src/admin/overview/event-charts.ts';
import { lastDays, lastHours } from '../../../src/admin/overview/period.ts';
import { trafficCharts } from '../../../src/admin/overview/traffic-charts.ts';
import { LATENCY_BUCKETS } from '../../../src/core/latency-histogram.ts';

const NOW = Date.parse('2026-11-21T12:16:40+05:30');
const NINE = Date.parse('2026-11-21T09:00:00+05:30');
const BOTTOM = 136;
const TOP = 10;

const traffic = (hour: number, requests: number, bucket: number, routeClass = 'guarded') => ({
  hour,
  routeClass,
  requests,
  notFound: 1,
  clientErrors: 2,
  serverErrors: 3,
  buckets: Array.from({ length: LATENCY_BUCKETS }, (_, index) => (index === bucket ? requests : 0)),
});

describe('a chart of bars', () => {
  const rows = [
    { hour: NINE, kind: 'login.succeeded', events: 30 },
    { hour: NINE, kind: 'login.failed:credentials', events: 10 },
    { hour: NINE + 3_600_000, kind: 'login.succeeded', events: 20 },
  ];
  const [chart] = eventCharts(rows, lastHours(NOW)).map(toChartView);
  const bars = (index: number) => chart?.drawing?.columns[index]?.bars ?? [];

  it('stands on zero, and heights are in proportion', () => {
    const [signedIn, failed] = bars(20);
    const [later] = bars(21);
    expect((signedIn?.y ?? 0) + (signedIn?.height ?? 0)).toBe(BOTTOM);
    expect((signedIn?.height ?? 0) / (later?.height ?? 1)).toBeCloseTo(30 / 20, 1);
    expect((signedIn?.height ?? 0) / (failed?.height ?? 1)).toBeCloseTo(30 / 10, 1);
    expect((failed?.y ?? 0) + (failed?.height ?? 0)).toBeCloseTo(signedIn?.y ?? 0, 5);
    expect(bars(5)).toEqual([]);
  });

  it('keeps within its frame, and shades the hour that is not over', () => {
    const { columns = [], running, gridLines = [] } = chart?.drawing ?? {};
    for (const { bars: all } of columns) for (const { y } of all) expect(y).toBeGreaterThanOrEqual(TOP);
    expect(running?.x).toBe(columns.at(-1)?.x);
    expect(gridLines.map(({ text }) => text)).toEqual(['0', '10', '20', '30', '40']);
    expect(gridLines[0]?.y).toBe(BOTTOM);
  });

  it('says the same in words, in the table, and to a mouse', () => {
    expect(chart?.description).toContain('Signed in 50, Wrong name, password or code 10');
    expect(chart?.description).toContain('from Fri 20 Nov, 13:00 to 14:00 to Sat 21 Nov, 12:00 to 13:00');
    expect(chart?.drawing?.columns[20]?.text).toContain('09:00 to 10:00: Signed in 30, Wrong');
    expect(chart?.table.rows).toHaveLength(24);
    expect(chart?.table.rows[0]).toEqual({
      name: 'Sat 21 Nov, 12:00 to 13:00',
      isRunning: true,
      cells: ['0', '0', '0'],
    });
    expect(chart?.table.rows[3]?.cells).toEqual(['30', '10', '0']);
  });

  it('shows what is small beside what is large', () => {
    const rowsOfBoth = [
      { hour: NINE, kind: 'login.succeeded', events: 100_000 },
      { hour: NINE + 3_600_000, kind: 'login.failed:credentials', events: 1 },
    ];
    const [uneven] = eventCharts(rowsOfBoth, lastHours(NOW)).map(toChartView);
    expect(uneven?.drawing?.columns[21]?.bars[0]?.height).toBeGreaterThan(0.5);
  });

  it('has short words at its axis', () => {
    const busy = [{ hour: NINE, kind: 'login.succeeded', events: 180_000 }];
    const [tall] = eventCharts(busy, lastHours(NOW)).map(toChartView);
    expect(tall?.drawing?.gridLines.map(({ text }) => text)).toEqual(['0', '50k', '100k', '150k', '200k']);
    expect(tall?.legend[0]?.whole).toBe('1,80,000');
  });

  it('says that there is nothing instead of drawing it', () => {
    const [empty] = eventCharts([], lastHours(NOW)).map(toChartView);
    expect(empty?.drawing).toBeUndefined();
    expect(empty?.nothing).toBe('no sign-in and no attempt.');
    expect(empty?.table.rows).toHaveLength(24);
  });
});

describe('charts of traffic', () => {
  it('tell what was answered from what was refused, for all classes together', () => {
    const charts = trafficCharts([traffic(NINE, 50, 1), traffic(NINE, 30, 1, 'api')], lastHours(NOW));
    const byName = new Map(
      charts.flatMap(({ series }) => series.map(({ name, values }) => [name, values[20]])),
    );
    expect(byName.get('Successful')).toBe(80 - 12);
    expect(byName.get('Failed')).toBe(12);
    expect(byName.get('404 not found')).toBe(2);
    expect(byName.get('Other 4xx')).toBe(4);
    expect(byName.get('5xx, the server’s fault')).toBe(6);
  });

  it('break the lines of latency where nothing was asked for, and leave files and probes out', () => {
    const rows = [
      traffic(NINE, 100, 2),
      traffic(NINE + 3_600_000, 100, 4),
      traffic(NINE - 5 * 3_600_000, 10, 4),
      traffic(NINE, 100_000, 9, 'static'),
      traffic(NINE, 100_000, 9, 'probe'),
    ];
    const [, , latency] = trafficCharts(rows, lastHours(NOW)).map(toChartView);
    const [p99] = latency?.drawing?.lines ?? [];
    expect(p99?.points).toHaveLength(3);
    expect(p99?.path.match(/M/g)).toHaveLength(2);
    expect(p99?.path.match(/L/g)).toHaveLength(1);
    expect(latency?.table.rows[3]?.cells).toEqual(['25 ms', '24 ms', '18 ms']);
    expect(latency?.table.rows[4]?.cells).toEqual(['–', '–', '–']);
  });

  it('add the hours of an Indian day up', () => {
    const midnight = Date.parse('2026-11-21T00:00:00+05:30');
    const rows = [traffic(midnight - 3_600_000, 10, 1), traffic(midnight, 20, 1), traffic(NINE, 30, 1)];
    const [requests] = trafficCharts(rows, lastDays(NOW));
    expect(requests?.series[0]?.values.slice(-2)).toEqual([10 - 6, 50 - 12]);
  });
});
