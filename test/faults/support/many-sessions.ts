import { putSession } from '../../sessions/stored-sessions.ts';
import type { Office } from './house.ts';

export interface ManySessions {
  readonly people: number;
  readonly each: number;
  /** Milliseconds since the epoch. */
  readonly loginTime: number;
}

/** Sessions of people who have no account here: for what is about numbers. */
export async function putManySessions(
  { infrastructure }: Office,
  { people, each, loginTime }: ManySessions,
): Promise<void> {
  for (let person = 0; person < people; person += 1) {
    const facts = { userId: `many-${person}`, loginTime };
    await Promise.all(Array.from({ length: each }, () => putSession(infrastructure.sessionStorage, facts)));
  }
}
