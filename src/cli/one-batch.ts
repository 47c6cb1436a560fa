/** What is all there already, for whoever expects it in portions. */
export async function* onePortion<T>(rows: readonly T[]): AsyncIterable<readonly T[]> {
  yield rows;
}
