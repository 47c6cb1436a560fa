import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { DAY_MS } from '../core/duration.ts';
import { CLOCK_SKEW_TOLERANCE_MS } from '../core/expiry.ts';
import type { Revocation, RevocationTarget } from '../core/revocation.ts';
import type { RevocationStore } from './revocation-store.ts';

export interface ReplayDeps {
  readonly revocations: RevocationStore;
  readonly sessionTarget: RevocationTarget;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
}

const BATCH = 100;

/** Without a daily cutoff, how far back a restored snapshot may reach. */
const LONGEST_LOOK_BACK_MS = 30 * DAY_MS;

/**
 * Ends again in the session store all that was ended there since the last cutoff; what is older, the cutoff itself keeps
 * out. For a store that may have come back with older data. Rejects when the store or the database does not answer.
 */
export function createReplay({
  revocations,
  sessionTarget,
  calendar,
  clock,
}: ReplayDeps): () => Promise<number> {
  return async function replay() {
    // A revocation of today may bear a time from just before the cutoff: of a node whose clock is a little behind.
    const cutoff = calendar.last() - CLOCK_SKEW_TOLERANCE_MS;
    const since = Math.max(cutoff, clock.now() - LONGEST_LOOK_BACK_MS);
    let count = 0;
    for await (const batch of revocations.listSince(since, BATCH)) {
      await Promise.all(batch.filter(isOfThePast).map((revocation) => sessionTarget.revoke(revocation)));
      count += batch.length;
    }
    await revocations.hurryOpen();
    return count;
  };

  /** A clock that was wrong may have swept a cutoff to come: that must not end all sessions at every short outage until then. */
  function isOfThePast({ scope }: Revocation): boolean {
    return scope.kind !== 'sweep' || scope.before <= clock.now() + CLOCK_SKEW_TOLERANCE_MS;
  }
}
