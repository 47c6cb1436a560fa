import { expect, test } from 'vitest';
import type { Comparison, SetupName } from '../../bench/comparison.ts';
import { formatTargets } from '../../bench/targets.ts';

const page = (setup: SetupName, curfew: number): Comparison => ({
  id: 'page',
  setup,
  title: '',
  metrics: [{ name: 'CPU µs/request', better: 'less', digits: 1 }],
  subjects: [
    { name: 'plain', samples: [{ 'CPU µs/request': 130 }] },
    { name: 'Curfew', samples: [{ 'CPU µs/request': curfew }] },
  ],
});

const lineOf = (comparisons: readonly Comparison[], name: string): string =>
  formatTargets(comparisons)
    .split('\n')
    .find((line) => line.includes(name))
    ?.trim()
    .replace(/ {3,}/g, ' | ') ?? '';

test.each([
  [99, 99, '1.31 | 1.31 | 1.15 | 1.3 | goal met'],
  [100, 110, '1.30 | 1.18 | 1.15 | 1.3 | floor met'],
  [125, 100, '1.04 | 1.30 | 1.15 | 1.3 | FELL SHORT'],
])('the worse of the two ways to run decides: %d and %d µs', (sqlite, redis, expected) => {
  const comparisons = [page('SQLite', sqlite), page('Redis + Postgres', redis)];
  expect(lineOf(comparisons, 'CPU against plain ')).toBe(`guarded page, CPU against plain | ${expected}`);
});

test('figures that are to be low fall short above the floor', () => {
  const sweep: Comparison = {
    ...page('SQLite', 0),
    id: 'sweep',
    subjects: [{ name: 'Curfew', samples: [{ seconds: 2.5, 'event loop p99 ms': 9 }] }],
  };
  expect(lineOf([sweep], '100,000 sessions')).toMatch(/ \| 2\.50 \| - \| 2 \| 1 \| FELL SHORT$/);
  expect(lineOf([sweep], 'event loop meanwhile')).toMatch(/ \| 9\.0 \| - \| 20 \| 10 \| goal met$/);
});

test('targets without a figure are left out', () => {
  expect(formatTargets([])).toBe('');
  expect(formatTargets([page('SQLite', 100)])).not.toContain('better-auth');
});
