import { setImmediate as nextTurn } from 'node:timers/promises';
import { batchesOf } from '../core/batches.ts';
import type { Clock } from '../core/clock.ts';
import { ENDS, endByRevocation } from '../core/close-codes.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { SECOND_MS } from '../core/duration.ts';
import { CLOCK_SKEW_TOLERANCE_MS, isPastCutoff } from '../core/expiry.ts';
import type { Log } from '../core/log.ts';
import { createPoller } from '../core/poller.ts';
import type { Revocation } from '../core/revocation.ts';
import type { LivePolicy } from '../core/session-policy.ts';
import { createTimer } from '../core/timer.ts';
import type { Job } from '../http/feature.ts';
import type { EpochStore } from '../revocation/epoch-store.ts';
import type { RevocationStore } from '../revocation/revocation-store.ts';
import type { RegisteredSocket, SocketRegistry } from '../sessions/socket-registry.ts';
import type { Bus } from '../storage/bus.ts';
import type { SocketStanding } from './socket-standing.ts';

export interface SocketMonitorDeps {
  readonly sockets: SocketRegistry;
  readonly standing: SocketStanding;
  readonly revocations: Pick<RevocationStore, 'listSince'>;
  readonly epochs: Pick<EpochStore, 'currentOf'>;
  readonly bus: Pick<Bus, 'onGap'>;
  readonly policy: LivePolicy;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
  readonly log: Log;
}

export interface SocketMonitor {
  readonly jobs: readonly Job[];
  /** Ends sockets that are over by the clock alone; in batches, or the cutoff of ten thousand sockets would stop everything else. */
  endByClock(): Promise<void>;
  /** Ends sockets that the stores say have ended, whether or not a message about it arrived. */
  compare(): Promise<void>;
}

const ROUND_MS = SECOND_MS;
const ENDED_IN_TURN = 100;
/** A revocation is stored by a node whose clock may be behind, in a transaction that may take a while. */
const LOOK_BACK_MS = 30 * SECOND_MS;
const REVOCATIONS_IN_BATCH = 200;
const USERS_IN_QUERY = 500;
/** Of those that need a question each, so many in a round; the others have their turn in the next. */
const ASKED_IN_ROUND = 200;
const ASK_AGAIN_AFTER_MS = 5 * SECOND_MS;

/** Ends the sockets of this node without being told: by the clock, and by what the database says. */
export function createSocketMonitor(deps: SocketMonitorDeps): SocketMonitor {
  const { sockets, standing, revocations, epochs, bus, policy, calendar, clock, log } = deps;
  const carriedOut = new Map<string, number>();
  const askedAt = new WeakMap<RegisteredSocket, number>();
  let handledCutoff = calendar.last();

  async function endByClock(): Promise<void> {
    const now = clock.now();
    const lastCutoff = calendar.last();
    let ended = 0;
    for (const socket of [...sockets.all()]) {
      const isOfTheDayBefore = isPastCutoff(socket.owner.loginTime, now, lastCutoff);
      if (!isOfTheDayBefore && socket.owner.endsAt > now) continue;
      socket.end(isOfTheDayBefore ? ENDS.cutoff : ENDS.keyEnded);
      ended += 1;
      if (ended % ENDED_IN_TURN === 0) await nextTurn();
    }
  }

  async function tend(): Promise<void> {
    await endByClock();
    for (const socket of [...sockets.all()]) socket.tend();
  }

  async function compareAll(): Promise<void> {
    if (sockets.size === 0) return;
    await carryOutRevocations();
    await compareEpochs();
  }

  async function carryOutRevocations(): Promise<void> {
    const since = clock.now() - LOOK_BACK_MS;
    for (const [id, orderedAt] of carriedOut) if (orderedAt < since) carriedOut.delete(id);
    for await (const batch of revocations.listSince(since, REVOCATIONS_IN_BATCH))
      for (const revocation of batch) await carryOut(revocation);
  }

  async function carryOut({ id, scope, reason, orderedAt }: Revocation): Promise<void> {
    // A clock that was wrong may have swept a cutoff that is still to come.
    const isOfTheFuture = scope.kind === 'sweep' && orderedAt > clock.now() + CLOCK_SKEW_TOLERANCE_MS;
    if (carriedOut.has(id) || isOfTheFuture) return;
    carriedOut.set(id, orderedAt);
    await sockets.endInScope(scope, endByRevocation(reason));
  }

  async function compareEpochs(): Promise<void> {
    for (const userIds of batchesOf(sockets.userIds(), USERS_IN_QUERY)) {
      const current = await epochs.currentOf(userIds);
      for (const userId of userIds)
        for (const socket of [...sockets.of(userId)])
          if (socket.owner.epoch < (current.get(userId) ?? 0)) socket.end(ENDS.revoked);
    }
  }

  /** Asks about each owner, where one query does not tell of all: whether a key is still good, or a session still there and not idle for too long. */
  async function askAboutEach(): Promise<void> {
    const before = performance.now() - ASK_AGAIN_AFTER_MS;
    const due = [...sockets.all()].filter(
      (socket) => (askedAt.get(socket) ?? Number.NEGATIVE_INFINITY) <= before,
    );
    const turn = due
      .toSorted((a, b) => (askedAt.get(a) ?? 0) - (askedAt.get(b) ?? 0))
      .slice(0, ASKED_IN_ROUND);
    for (const socket of turn) {
      askedAt.set(socket, performance.now());
      const end = await standing.endOf(socket.owner);
      if (end !== undefined) socket.end(end);
    }
  }

  const onError = (err: unknown): void =>
    log.warn({ err }, 'Open sockets could not be compared with their sessions; it is tried again');
  const comparing = createPoller({ intervalMs: ROUND_MS, work: compareAll, onError });
  // By itself: a Redis that does not answer must not hold up what the database knows.
  const asking = createPoller({ intervalMs: ROUND_MS, work: askAboutEach, onError });
  const tending = createPoller({ intervalMs: ROUND_MS, work: tend, onError });
  const cutoffTimer = createTimer({
    clock,
    at: () => (calendar.last() === handledCutoff ? calendar.next() : calendar.last()),
    ring: async () => {
      const cutoff = calendar.last();
      await sockets.endInScope({ kind: 'sweep', before: cutoff }, ENDS.cutoff);
      handledCutoff = cutoff;
    },
  });
  bus.onGap(() => {
    comparing.wake();
    asking.wake();
  });
  policy.onChange(() => cutoffTimer.rearm());

  return {
    endByClock,
    async compare() {
      await compareAll();
      await askAboutEach();
    },
    jobs: [comparing, asking, tending, { start: cutoffTimer.start, stop: async () => cutoffTimer.stop() }],
  };
}
