import { describe, expect, it } from 'vitest';
import { sortInBatches } from '../../src/symbols/sort-in-batches.ts';

describe('sorting in batches', () => {
  it.each([0, 1, 2, 4_999, 5_000, 5_001, 15_001, 32_768])(
    'puts %i keys in the order of any other sort',
    async (count) => {
      let seed = 7;
      const keys = Array.from({ length: count }, () => {
        seed = (seed * 48_271) % 2_147_483_647;
        return String(seed % (count / 2 + 1));
      });
      const places = await sortInBatches(keys);
      const expected = keys
        .map((_, place) => place)
        .sort((a, b) => ((keys[a] ?? '') < (keys[b] ?? '') ? -1 : keys[a] === keys[b] ? a - b : 1));
      expect([...places]).toEqual(expected);
    },
  );

  it('lets others have their turn', async () => {
    const keys = Array.from({ length: 60_000 }, (_, number) => String((number * 7_919) % 60_000));
    let turns = 0;
    const counting = setInterval(() => {
      turns += 1;
    }, 0);
    await sortInBatches(keys);
    clearInterval(counting);
    expect(turns).toBeGreaterThan(5);
  });
});
