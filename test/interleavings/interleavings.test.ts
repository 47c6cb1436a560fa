import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { plansOf, runInterleaving } from './interleaving.ts';
import { loadParts, type Parts } from './parts.ts';

const RUNS = Number(process.env['CURFEW_INTERLEAVINGS'] ?? 20_000);
const SEED = Number(process.env['CURFEW_SEED'] ?? randomInt(2 ** 31));

let parts: Parts;

beforeAll(async () => {
  parts = await loadParts();
});

test('nothing that was begun under a session takes effect after its end was reported', async () => {
  process.stdout.write(`${RUNS} interleavings, CURFEW_SEED=${SEED}\n`);
  await fc.assert(
    fc.asyncProperty(plansOf({}), fc.scheduler(), async (plan, scheduler) => {
      expect(await runInterleaving(parts, plan, scheduler)).toEqual([]);
    }),
    { numRuns: RUNS, seed: SEED },
  );
}, 400_000);
