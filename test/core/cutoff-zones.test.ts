import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { CUTOFF_CASES } from './cutoff-cases.ts';

interface Verdicts {
  /** Minutes ahead of UTC in January and July 2026: proof that the process really lives in that zone. */
  readonly offsets: readonly number[];
  readonly verdicts: readonly boolean[];
}

const SCRIPT = join(import.meta.dirname, 'verdicts-in-zone.ts');
const run = promisify(execFile);

async function askInZone(zone: string): Promise<Verdicts> {
  const { stdout } = await run(process.execPath, [SCRIPT], { env: { ...process.env, TZ: zone } });
  return JSON.parse(stdout) as Verdicts;
}

describe('a server', () => {
  it.each([
    ['UTC', [0, 0]],
    ['America/New_York', [-300, -240]],
    ['Asia/Kolkata', [330, 330]],
    ['Pacific/Auckland', [780, 720]],
  ])('whose own zone is %s keeps the same cutoff', async (zone, offsets) => {
    const answer = await askInZone(zone);
    expect(answer.offsets).toEqual(offsets);
    expect(answer.verdicts).toEqual(CUTOFF_CASES.map(({ expired }) => expired));
  });
});
