import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import type { Signal, SignalCursor, SignalReading, SignalRequest, SignalsAfter } from '../core/signal.ts';
import type { EpochStore } from '../revocation/epoch-store.ts';
import type { SignalPolls, WaitingPlace } from './signal-polls.ts';
import type { SignalStore } from './signal-store.ts';

export interface SignalsAfterDeps {
  readonly signals: Pick<SignalStore, 'latestCursor' | 'listAfter'>;
  readonly polls: SignalPolls;
  readonly epochs: EpochStore;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
}

/** How many requests of one person may wait on one node: a few programs, each with a connection or two. */
export const MOST_WAITING = 10;

/** No proxy keeps a silent request for much longer. */
const LONGEST_WAIT_MS = MINUTE_MS;

/** While this node closes it may still get requests. They wait a little all the same, or a client would ask in a loop. */
const WAIT_WHILE_CLOSING_MS = SECOND_MS;

type Page = { readonly signals: readonly Signal[]; readonly cursor: SignalCursor };
type Ended = Extract<SignalReading, { kind: 'page' }>['ended'];

/** Delivers accepted signals to their owner's programs, and lets them wait for the next one until something ends it. */
export function createSignalsAfter(deps: SignalsAfterDeps): SignalsAfter {
  const { signals, polls, epochs, calendar, clock } = deps;

  return async function signalsAfter(userId, after, request) {
    const latest = await signals.latestCursor(userId);
    if (after > latest) return { kind: 'unknown_cursor', latest };
    if (request.waitMs <= 0) return toReading(await read(userId, after, request.limit), 'timeout');
    const place = polls.enter(userId);
    if (place === undefined) return { kind: 'too_many_waiting', maximum: MOST_WAITING };
    try {
      return await waitFor(userId, after, request, place);
    } finally {
      place.leave();
    }
  };

  async function waitFor(
    userId: string,
    after: SignalCursor,
    { limit, waitMs, abort }: SignalRequest,
    place: WaitingPlace,
  ): Promise<SignalReading> {
    const cutoff = calendar.last();
    const epoch = await epochs.current(userId);
    const beganWhileClosing = polls.closing;
    const longestMs = beganWhileClosing ? WAIT_WHILE_CLOSING_MS : LONGEST_WAIT_MS;
    const giveUpAt = performance.now() + Math.min(waitMs, longestMs);

    for (;;) {
      // The client's session or key ends before anything more is handed over.
      if (calendar.last() !== cutoff) return toReading({ signals: [], cursor: after }, 'cutoff');
      if ((await epochs.current(userId)) !== epoch)
        return toReading({ signals: [], cursor: after }, 'revoked');
      const page = await read(userId, after, limit);
      const leftMs = giveUpAt - performance.now();
      const ended = whyNoLonger(leftMs, abort, beganWhileClosing);
      if (page.signals.length > 0 || ended !== undefined) return toReading(page, ended ?? 'timeout');
      await place.wait(Math.min(leftMs, calendar.next() - clock.now()), abort);
    }
  }

  function whyNoLonger(leftMs: number, abort: AbortSignal, beganWhileClosing: boolean): Ended | undefined {
    if (abort.aborted) return 'aborted';
    if (polls.closing && (!beganWhileClosing || leftMs <= 0)) return 'closing';
    return leftMs <= 0 ? 'timeout' : undefined;
  }

  /**
   * Where nothing is to be delivered the cursor moves on all the same, over what belongs to days that are over. The
   * latest one is read first: what is accepted in between has a higher one.
   */
  async function read(userId: string, after: SignalCursor, limit: number): Promise<Page> {
    const latest = await signals.latestCursor(userId);
    if (latest <= after) return { signals: [], cursor: after };
    const dayBegan = Math.max(0, calendar.last());
    const page = await signals.listAfter(userId, after, dayBegan, limit);
    return { signals: page, cursor: page.at(-1)?.cursor ?? latest };
  }
}

function toReading({ signals, cursor }: Page, ended: Ended): SignalReading {
  return { kind: 'page', signals, cursor, ended: signals.length > 0 ? 'arrived' : ended };
}
