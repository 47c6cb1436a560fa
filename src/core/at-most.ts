/**
 * How many entries an LRUCache may have. With `max` it would set aside the memory for all of them when it is made, which
 * takes a millisecond for ten thousand.
 */
export const atMost = (entries: number) => ({ maxSize: entries, sizeCalculation: () => 1 }) as const;
