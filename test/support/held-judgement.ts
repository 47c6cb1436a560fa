import { vi } from 'vitest';
import type { SessionRegistry } from '../../src/sessions/session-storage.ts';

export interface HeldJudgement {
  /** The session was asked about, and still counted. */
  readonly judged: Promise<void>;
  /** Lets the judgement go on with what it heard. */
  goOn(): void;
}

/** Holds back the next answer about when a session was last seen, for what happens while a session is judged. */
export function holdJudgement(registry: Pick<SessionRegistry, 'lastSeen'>): HeldJudgement {
  const usual = registry.lastSeen;
  const judged = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const seen = vi.spyOn(registry, 'lastSeen').mockImplementation(async (sid) => {
    const answer = await usual(sid);
    judged.resolve();
    await released.promise;
    return answer;
  });
  return {
    judged: judged.promise,
    goOn() {
      seen.mockRestore();
      released.resolve();
    },
  };
}
