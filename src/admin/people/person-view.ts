import type { User } from '../../accounts/user-store.ts';
import { ROLE_NAMES } from '../../core/role.ts';
import type { DeviceSession } from '../../sessions/session-data.ts';

/** A person as pages for administrators show them. */
export interface PersonView {
  readonly id: string;
  readonly username: string;
  readonly email: string;
  readonly role: string;
  readonly disabled: boolean;
  readonly createdAt: number;
  readonly lastSignInAt: number | undefined;
  readonly sessions: number;
  readonly connections: number;
  readonly isYou: boolean;
  readonly href: string;
}

export const PEOPLE = '/users';

/** A user's live sessions and connections. */
export interface Presence {
  readonly sessions: readonly DeviceSession[];
  readonly connections: number;
}

export function toPersonView(user: User, { sessions, connections }: Presence, viewerId: string): PersonView {
  return {
    id: user.id,
    username: user.username,
    email: user.email,
    role: ROLE_NAMES[user.role],
    disabled: user.disabled,
    createdAt: user.createdAt,
    lastSignInAt: user.lastSignInAt,
    sessions: sessions.length,
    connections,
    isYou: user.id === viewerId,
    href: `${PEOPLE}/${encodeURIComponent(user.id)}`,
  };
}
