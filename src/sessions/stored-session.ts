import type { SessionData } from 'express-session';
import { fromIso } from '../core/ist.ts';
import { ROLES } from '../core/role.ts';
import './session-data.ts';

const TEXTS = ['userId', 'username', 'deviceId', 'userAgent', 'address', 'loginTime'] as const;

/** The session that a stored body holds; undefined where it holds none, and then it must let no one in. */
export function parseStoredSession(body: string): SessionData | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  return isSession(value) ? value : undefined;
}

function isSession(value: unknown): value is SessionData {
  if (typeof value !== 'object' || value === null) return false;
  const fields: Readonly<Record<string, unknown>> = { ...value };
  return (
    typeof fields['cookie'] === 'object' &&
    fields['cookie'] !== null &&
    TEXTS.every((name) => typeof fields[name] === 'string') &&
    !Number.isNaN(fromIso(String(fields['loginTime']))) &&
    Number.isInteger(fields['epoch']) &&
    ROLES.some((role) => role === fields['role'])
  );
}

/** Sessions whose stored body is none: counted, and ended through the revoker. */
export interface UnreadableSessions {
  readonly count: number;
  /** Returns at once; the end follows. A session that is found again while its end is under way counts once. */
  readonly report: (sid: string) => void;
  /** Names what ends such a session. */
  endWith(end: (sid: string) => Promise<void>): void;
}

/** A listing that fails a thousand times must not begin a thousand revocations: the rest is found by the next one. */
const MOST_WAITING = 500;

export function createUnreadableSessions(onError: (error: unknown) => void): UnreadableSessions {
  const waiting = new Set<string>();
  let count = 0;
  let end: (sid: string) => Promise<void> = () => Promise.resolve();
  let last = Promise.resolve();

  async function endOne(sid: string): Promise<void> {
    try {
      await end(sid);
    } catch (error) {
      onError(error);
    } finally {
      waiting.delete(sid);
    }
  }

  return {
    get count() {
      return count;
    },
    report(sid) {
      if (waiting.has(sid) || waiting.size >= MOST_WAITING) return;
      waiting.add(sid);
      count += 1;
      last = last.then(() => endOne(sid));
    },
    endWith(given) {
      end = given;
    },
  };
}
