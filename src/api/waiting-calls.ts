/** Requests that wait on purpose, by whose key they came with. */
export interface WaitingCalls {
  /** `end` is called when one of this person's keys is revoked; the answer takes it off the list again. */
  add(userId: string, end: () => void): () => void;
  /** Lets one person's look again whether their keys are good. */
  endOf(userId: string): void;
}

/**
 * A request is let in once and may wait for half a minute. Revoking a key must not wait for that: all that
 * wait for this person on this node end, and are let in anew or not. For their other keys that is an empty answer, as at the
 * end of any wait.
 */
export function createWaitingCalls(): WaitingCalls {
  const calls = new Map<string, Set<() => void>>();
  return {
    add(userId, end) {
      const ends = calls.get(userId) ?? new Set();
      calls.set(userId, ends.add(end));
      return () => {
        ends.delete(end);
        if (ends.size === 0 && calls.get(userId) === ends) calls.delete(userId);
      };
    },
    endOf(userId) {
      for (const end of calls.get(userId) ?? []) end();
    },
  };
}
