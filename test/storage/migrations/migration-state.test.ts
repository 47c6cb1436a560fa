import { describe, expect, it } from 'vitest';
import { classifyMigrations, migrationProblem } from '../../../src/storage/migration-state.ts';

const LISTS = { known: ['0001-a', '0002-b', '0003-c'], former: ['0001-x', '0002-y'] };
const classify = (...done: string[]) => classifyMigrations(done, LISTS);

describe('the state of a database', () => {
  it.each([
    [[], { kind: 'empty' }],
    [['0001-a', '0002-b', '0003-c'], { kind: 'current' }],
    [['0001-a', '0002-b'], { kind: 'behind', pending: ['0003-c'] }],
    [['0002-y', '0001-x'], { kind: 'former' }],
  ])('%j is opened: %j', (done, state) => {
    expect(classify(...done)).toEqual(state);
    expect(migrationProblem(classify(...done))).toBeUndefined();
  });

  it.each([
    [['0001-x'], { kind: 'older', missing: ['0002-y'] }],
    [['0001-a', '0002-b', '0003-c', '0004-d'], { kind: 'newer', unknown: ['0004-d'] }],
    [['0001-a', '0004-d'], { kind: 'other', unknown: ['0004-d'], missing: ['0002-b', '0003-c'] }],
    [['0001-a', '0003-c'], { kind: 'other', unknown: [], missing: ['0002-b'] }],
    [
      ['0001-x', '0002-y', '0001-a'],
      { kind: 'other', unknown: ['0001-x', '0002-y'], missing: ['0002-b', '0003-c'] },
    ],
    [
      ['0001-x', '0002-y', '0003-z'],
      {
        kind: 'other',
        unknown: ['0001-x', '0002-y', '0003-z'],
        missing: ['0001-a', '0002-b', '0003-c'],
      },
    ],
  ])('%j is refused: %j', (done, state) => {
    expect(classify(...done)).toEqual(state);
    expect(migrationProblem(classify(...done))).toMatchObject({
      what: expect.any(String),
      remedy: expect.any(String),
    });
  });
});
