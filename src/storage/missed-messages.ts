import { LRUCache } from 'lru-cache';

/** Tells from the numbers that senders give to their messages whether some never arrived. */
export interface MissedMessages {
  /** Notes a message; true when others of the same sender must have come before it and did not. */
  note(sender: string, number: number): boolean;
}

/** A sender that was silent while a thousand others spoke counts as new. */
const SENDERS_KEPT = 1000;

/** Senders count their messages, each by one. The first that is heard of a sender is where the counting begins. */
export function createMissedMessages(): MissedMessages {
  const latest = new LRUCache<string, number>({ max: SENDERS_KEPT });

  return {
    note(sender, number) {
      const before = latest.get(sender) ?? number - 1;
      // One that was overtaken on its way was reported when the faster one came.
      latest.set(sender, Math.max(before, number));
      return number > before + 1;
    },
  };
}
