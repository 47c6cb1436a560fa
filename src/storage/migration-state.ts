/**
 * Where a database stands. `former`: at the last of the migrations that were squashed before the first release, and adopted
 * as it is. `behind`, `former` and `empty` are brought up to date by the next start; the last three are refused.
 */
export type MigrationState =
  | { readonly kind: 'empty' | 'current' | 'former' }
  | { readonly kind: 'behind'; readonly pending: readonly string[] }
  | { readonly kind: 'older'; readonly missing: readonly string[] }
  | { readonly kind: 'newer'; readonly unknown: readonly string[] }
  | { readonly kind: 'other'; readonly unknown: readonly string[]; readonly missing: readonly string[] };

export interface MigrationLists {
  /** This version's, in their order. */
  readonly known: readonly string[];
  /** The squashed ones, in their order. */
  readonly former: readonly string[];
}

/** `done`: the names that the database has recorded, in any order. */
export function classifyMigrations(
  done: readonly string[],
  { known, former }: MigrationLists,
): MigrationState {
  if (done.length === 0) return { kind: 'empty' };
  const missing = (names: readonly string[]) => names.filter((name) => !done.includes(name));
  const beyond = (names: readonly string[]) => done.filter((name) => !names.includes(name));
  if (beyond(former).length === 0)
    return missing(former).length === 0 ? { kind: 'former' } : { kind: 'older', missing: missing(former) };
  const unknown = beyond(known);
  const pending = missing(known);
  if (unknown.length > 0)
    return pending.length === 0 ? { kind: 'newer', unknown } : { kind: 'other', unknown, missing: pending };
  if (pending.length === 0) return { kind: 'current' };
  // Migrations run in their order, so what is missing is the end of the list.
  const isEnd = pending.length + done.length === known.length && known[done.length] === pending[0];
  return isEnd ? { kind: 'behind', pending } : { kind: 'other', unknown, missing: pending };
}

/** The problem with a database that this version does not open, and its remedy. */
export interface MigrationProblem {
  readonly what: string;
  readonly remedy: string;
}

/** Undefined where this version opens the database, after bringing it up to date where it must. */
export function migrationProblem(state: MigrationState): MigrationProblem | undefined {
  switch (state.kind) {
    case 'empty':
    case 'current':
    case 'former':
    case 'behind':
      return undefined;
    case 'older':
      return {
        what: `It was made by a version of Curfew that is too old for this one (it lacks ${list(state.missing)})`,
        remedy:
          'Start it once with the version that docs/operations.md names under “Older databases”, then with this one.',
      };
    case 'newer':
      return {
        what: `It was made by a newer Curfew (${list(state.unknown)})`,
        remedy:
          'Run the version that made it, or a newer one. To go back, put back the copy made before the upgrade (docs/operations.md).',
      };
    case 'other':
      return {
        what: `It is not a database of this version (${[
          ...(state.unknown.length > 0 ? [`unknown: ${list(state.unknown)}`] : []),
          `missing: ${list(state.missing)}`,
        ].join('; ')})`,
        remedy: 'Run the version that made it, or restore a backup of this version (docs/operations.md).',
      };
  }
}

const list = (names: readonly string[]): string => names.join(', ');

/** The database is at a state that this version neither opens nor upgrades. Nothing was changed. */
export class MigrationStateError extends Error {
  constructor({ what, remedy }: MigrationProblem) {
    super(`The database cannot be opened. ${what}. ${remedy} Nothing was changed.`);
    this.name = 'MigrationStateError';
  }
}
