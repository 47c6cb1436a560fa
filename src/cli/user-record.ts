import type { User } from '../accounts/user-store.ts';
import { toIstIso } from '../core/ist.ts';

/** A user for programs. */
export function userRecord({ id, username, email, role, disabled, createdAt }: User) {
  return { id, username, email, role, disabled, createdAt: toIstIso(createdAt) };
}
