/** As many as fit into one statement or command at a time, in their order. */
export function* batchesOf<T>(all: readonly T[], size: number): Iterable<readonly T[]> {
  for (let start = 0; start < all.length; start += size) yield all.slice(start, start + size);
}
