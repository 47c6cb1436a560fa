import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeAuditExport } from '../../src/audit/audit-export.ts';
import { verifyExport } from '../../src/audit/export-verification.ts';
import { HOUR_MS } from '../../src/core/duration.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { type AuditWorld, createAuditWorld, LOCATIONS, MORNING } from './audit-world.ts';
import { ended } from './ended.ts';

const ORIGIN = { actor: 'Ashā ✓', address: '203.0.113.7', requestId: 'r-1' };
const START = Date.parse(MORNING);

/** The program that docs/audit.md gives to auditors, as it stands there. */
function programOfTheDocs(): string {
  const text = readFileSync(join(import.meta.dirname, '../../docs/audit.md'), 'utf8');
  return /```python\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
}

describe.each(LOCATIONS)('an export of the audit log on %s', (_name, locate) => {
  let world: AuditWorld;
  beforeEach(async () => {
    world = await createAuditWorld(await locate());
    for (let hour = 0; hour < 5; hour += 1) {
      await world.audit.recordMany([ended('a'), ended('“quoted” \\ " \n ₹')], ORIGIN);
      await world.audit.record({ type: 'keys.rotated', renewed: 1, unreadable: 0 }, { actor: 'cli' });
      world.clock.advance(HOUR_MS);
    }
  });
  afterEach(() => world.close());

  async function exportLines(range = {}): Promise<string[]> {
    let text = '';
    for await (const part of writeAuditExport(world.rows, range, world.clock.now())) text += part;
    return text.trimEnd().split('\n');
  }
  async function* asLines(lines: readonly string[]) {
    yield* lines;
  }
  const verify = (lines: readonly string[], options = {}) => verifyExport(asLines(lines), options);
  const edit = (line: string | undefined, change: object): string =>
    JSON.stringify({ ...JSON.parse(line ?? ''), ...change });

  it('is verified by itself', async () => {
    const lines = await exportLines();
    expect(lines).toHaveLength(16);
    expect(await verify(lines)).toMatchObject({
      problem: undefined,
      rows: 15,
      last: { seq: 15 },
      head: { seq: 15 },
    });
  });

  it('is recomputed by the program of the documentation', async () => {
    const lines = await exportLines();
    const file = join(createScratchDirectory('export').path, 'audit.jsonl');
    const check = (text: readonly string[]): string => {
      writeFileSync(file, `${text.join('\n')}\n`);
      return execFileSync('python3', ['-c', programOfTheDocs(), file], { encoding: 'utf8', stdio: 'pipe' });
    };
    expect(check(lines)).toMatch(/verified up to .*15.*and complete/);
    expect(() => check(lines.with(4, edit(lines[4], { actor: 'x' })))).toThrow(/broken at row 5/);
    expect(() => check(lines.toSpliced(6, 1))).toThrow(/broken at row 8/);
    expect(check(lines.toSpliced(13, 2))).not.toContain('complete');
    expect(() => check(lines.slice(0, -1))).toThrow(/cut off: the line with the head/);
  });

  it('of a part has no row left out, and says that there is more', async () => {
    const lines = await exportLines({ since: START + HOUR_MS, until: START + 3 * HOUR_MS });
    expect(lines.slice(0, -1).map((line) => JSON.parse(line).seq)).toEqual([4, 5, 6, 7, 8, 9]);
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ head: { seq: 15 }, rows: 6, complete: false });
    expect(await verify(lines)).toMatchObject({ problem: undefined, start: { seq: 3 }, last: { seq: 9 } });
    expect(await exportLines({ since: START + 99 * HOUR_MS })).toHaveLength(1);
    expect(await exportLines({ until: START })).toHaveLength(1);
  });

  it.each([
    ['an edited row', (l: string[]) => l.with(4, edit(l[4], { actor: 'x' })), 'changed', 5],
    [
      'an edited row with a hash of its own',
      (l: string[]) => l.with(4, edit(l[4], { hash: 'f'.repeat(64) })),
      'changed',
      5,
    ],
    [
      'another hash before it',
      (l: string[]) => l.with(4, edit(l[4], { previous: 'f'.repeat(64) })),
      'changed',
      5,
    ],
    ['a row left out', (l: string[]) => l.toSpliced(4, 1), 'missing', 5],
    ['a row twice', (l: string[]) => l.toSpliced(4, 0, l[4] ?? ''), 'out_of_order', 5],
    ['two rows in another order', (l: string[]) => l.with(4, l[5] ?? '').with(5, l[4] ?? ''), 'missing', 5],
    ['an end cut off', (l: string[]) => l.toSpliced(13, 2), 'cut_off', 14],
    ['the last line cut off', (l: string[]) => l.slice(0, -1), 'cut_off', 16],
    ['a line cut short', (l: string[]) => l.with(7, (l[7] ?? '').slice(0, 50)), 'unreadable', 8],
    [
      'another head',
      (l: string[]) => l.with(15, edit(l[15], { head: { seq: 15, hash: 'f'.repeat(64) } })),
      'head_wrong',
      15,
    ],
    ['a line behind the head', (l: string[]) => [...l, l[0] ?? ''], 'unreadable', 16],
    ['nothing in it', () => [], 'cut_off', 1],
  ])('with %s is found out', async (_what, change, kind, seq) => {
    expect((await verify(change(await exportLines()))).problem).toMatchObject({ kind, seq });
  });

  it('without its last line is called cut off, and no row is claimed that nobody knows of', async () => {
    const { problem } = await verify((await exportLines()).slice(0, -1));
    expect(problem?.message).toBe(
      'The last line of the file, the one with the head, is not there: the file was cut off.',
    );
    expect(problem?.advice).toContain('Export again');
  });

  it('is compared with a head that somebody kept', async () => {
    const lines = await exportLines();
    const { hash } = JSON.parse(lines[9] ?? '');
    expect((await verify(lines, { kept: { seq: 10, hash } })).problem).toBeUndefined();
    expect((await verify(lines, { kept: { seq: 9, hash } })).problem).toMatchObject({
      kind: 'not_as_kept',
      seq: 9,
    });
    expect((await verify(lines, { kept: { seq: 99, hash } })).problem).toMatchObject({
      kind: 'cut_off',
      seq: 16,
    });
  });
});
