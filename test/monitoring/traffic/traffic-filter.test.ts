import { describe, expect, it } from 'vitest';
import { DAY_MS } from '../../../src/core/duration.ts';
import { readFilter, readQuestion } from '../../../src/monitoring/traffic/traffic-filter.ts';
import { NOON } from './traffic-entries.ts';

const deps = {
  lookUpAddress: (text: string) => (text === '203.0.113.7' ? '203.0.113.0/24' : undefined),
  findUserId: async (username: string) => (username === 'Asha' ? 'u1' : undefined),
};
const read = (query: Readonly<Record<string, unknown>>) => readFilter(readQuestion(query), NOON, deps);

describe('what somebody asks of the traffic log', () => {
  it.each([
    [{}, {}],
    [{ q: ' /broker ' }, { text: '/broker' }],
    [{ status: '404' }, { status: { least: 404, most: 404 } }],
    [{ status: '5XX' }, { status: { least: 500, most: 599 } }],
    [{ status: '400 - 599' }, { status: { least: 400, most: 599 } }],
    [{ method: 'post' }, { method: 'POST' }],
    [{ last: '24h' }, { from: NOON - DAY_MS }],
    [{ last: '24h', from: '2026-11-23T11:00' }, { from: NOON - DAY_MS / 24 }],
    [{ to: '2026-11-23T12:00:00' }, { to: NOON }],
    [{ from: String(NOON) }, { from: NOON }],
    [{ user: 'Asha' }, { userId: 'u1' }],
    // Somebody who is gone has an id and no name.
    [{ user: 'u-gone' }, { userId: 'u-gone' }],
    [{ address: '203.0.113.7' }, { address: '203.0.113.0/24' }],
    [{ request: 'ABC' }, { requestId: 'abc' }],
    [{ slow: '500' }, { slowerThanMs: 500 }],
    [{ q: ['a', 'b'], unknown: 'x' }, {}],
    [{ q: '/a\u0000b\n', user: '\u0000' }, { text: '/ab' }],
  ])('of %j is read as %j', async (query, filter) => {
    expect(await read(query)).toEqual({ kind: 'filter', filter });
  });

  it.each([
    ['status', ['4', '40x', '600', '599-400', '0', '404;']],
    ['method', ['BREW', '1']],
    ['last', ['1y', 'constructor']],
    ['from', ['yesterday', '2026-11-23', '2026-13-01T00:00', '2026-11-23T12:00+00:00']],
    ['to', ['99-99-99T00:00']],
    ['address', ['somewhere']],
    ['slow', ['-1', '1.5', '1e3', '99999999']],
  ])('with a %s that cannot be is refused, and the field is named', async (name, texts) => {
    for (const text of texts)
      expect(await read({ [name]: text }), text).toMatchObject({
        kind: 'wrong',
        fields: { [name]: expect.any(String) },
      });
  });
});
