import { setImmediate as nextTurn } from 'node:timers/promises';

/** As many steps as take a few milliseconds. */
const BATCH = 5_000;

/**
 * The places of the keys in ascending order of the keys, by UTF-16 code units; equal ones stay in their order. A merge sort
 * that lets others have their turn: sorting a master in one go would stop the server for a quarter of a second.
 */
export async function sortInBatches(keys: readonly string[]): Promise<Int32Array> {
  const keyAt = (place: number): string => keys[place] ?? '';
  const ascending = (a: number, b: number): number =>
    keyAt(a) < keyAt(b) ? -1 : keyAt(a) > keyAt(b) ? 1 : a - b;

  let runs: Int32Array[] = [];
  for (let start = 0; start < keys.length; start += BATCH) {
    const places = Array.from({ length: Math.min(BATCH, keys.length - start) }, (_, index) => start + index);
    runs.push(Int32Array.from(places.sort(ascending)));
    await nextTurn();
  }
  while (runs.length > 1) {
    const merged: Int32Array[] = [];
    for (let index = 0; index < runs.length; index += 2) {
      const [left = new Int32Array(), right] = [runs[index], runs[index + 1]];
      merged.push(right === undefined ? left : await merge(left, right, ascending));
    }
    runs = merged;
  }
  return runs[0] ?? new Int32Array();
}

async function merge(
  left: Int32Array,
  right: Int32Array,
  ascending: (a: number, b: number) => number,
): Promise<Int32Array> {
  const merged = new Int32Array(left.length + right.length);
  let [fromLeft, fromRight] = [0, 0];
  for (let index = 0; index < merged.length; index += 1) {
    const [a, b] = [left[fromLeft], right[fromRight]];
    if (b === undefined || (a !== undefined && ascending(a, b) <= 0)) {
      merged[index] = a ?? 0;
      fromLeft += 1;
    } else {
      merged[index] = b;
      fromRight += 1;
    }
    if (index % BATCH === 0) await nextTurn();
  }
  return merged;
}
