/** The same in the same order, but for the one with this id, which comes first. */
export function defaultFirst<T extends { readonly id: string }>(
  all: readonly T[],
  id: string | undefined,
): readonly T[] {
  const isFirst = (each: T): boolean => each.id === id;
  return [...all.filter(isFirst), ...all.filter((each) => !isFirst(each))];
}
