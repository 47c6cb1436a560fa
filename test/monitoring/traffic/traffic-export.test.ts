import { parse } from 'csv-parse/sync';
import { expect, it } from 'vitest';
import { writeTraffic } from '../../../src/monitoring/traffic/traffic-export.ts';
import { NOON, trafficEntry } from './traffic-entries.ts';

const stored = (entry: Parameters<typeof trafficEntry>[0] = {}, username?: string) => ({
  ...trafficEntry(entry),
  id: 1,
  username,
});

async function write(batches: readonly (readonly ReturnType<typeof stored>[])[], mostRows?: number) {
  async function* source() {
    yield* batches;
  }
  let text = '';
  for await (const piece of writeTraffic(source(), mostRows)) text += piece;
  const [head = [], ...lines]: string[][] = parse(text);
  return {
    text,
    head,
    lines: lines.map((line) => Object.fromEntries(line.map((cell, at) => [head[at], cell]))),
  };
}

it('a file of traffic has a line for each request', async () => {
  const entry = stored({ aborted: true, userId: 'u1' }, 'asha');
  const { lines } = await write([[entry], [stored({ pattern: undefined, address: null, userId: 'u-gone' })]]);
  expect(lines[0]).toEqual({
    time: '2026-11-23T12:00:00.000+05:30',
    method: 'GET',
    path: '/dashboard',
    route: '/dashboard',
    class: 'guarded',
    status: '200',
    answered: 'no',
    duration_ms: '12',
    bytes: '3456',
    user: 'asha',
    address: '198.51.100.0/24',
    request_id: entry.requestId,
    requests: '1',
  });
  expect(lines[1]).toMatchObject({ route: '', answered: 'yes', user: 'u-gone', address: '' });
  expect(entry.at).toBe(NOON);
});

it.each(['=1+1', '+1', '-1', '@SUM(A1)', '=cmd|" /c calc"!A1'])(
  'a cell that begins with %j is nothing that a spreadsheet carries out',
  async (text) => {
    const { lines } = await write([
      [stored({ path: text, pattern: text, requestId: text, address: text }, text)],
    ]);
    for (const name of ['path', 'route', 'user', 'address', 'request_id'])
      expect(lines[0]?.[name]).toBe(`'${text}`);
  },
);

it('a file that does not hold everything says so at its end', async () => {
  const two = [stored(), stored()];
  expect((await write([two, two], 4)).text).not.toContain('This file ends');
  const { lines } = await write([two, two], 3);
  expect(lines).toHaveLength(4);
  expect(lines[3]?.['time']).toMatch(/^This file ends after 3 requests, and there are more\./);
});
