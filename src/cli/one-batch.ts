/** Rows that are all there already, for a caller that reads batches. */
export async function* oneBatch<T>(rows: readonly T[]): AsyncIterable<readonly T[]> {
  yield rows;
}
