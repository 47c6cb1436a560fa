import { isDatabaseFailure } from '../storage/database-failure.ts';
import type { UserStore } from './user-store.ts';

/** Whether there is no account yet, so that the first person is to be led to `/setup`. */
export type NeedsSetup = () => Promise<boolean>;

/** While the database is away that is unknown, and a setup could not be stored: then no. */
export function createNeedsSetup(users: Pick<UserStore, 'anyUserExists'>): NeedsSetup {
  return async function needsSetup() {
    try {
      return !(await users.anyUserExists());
    } catch (error) {
      if (isDatabaseFailure(error)) return false;
      throw error;
    }
  };
}
