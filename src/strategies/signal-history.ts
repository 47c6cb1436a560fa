import type { Clock } from '../core/clock.ts';
import { SECOND_MS } from '../core/duration.ts';
import type { Log } from '../core/log.ts';
import { createPoller, type Poller } from '../core/poller.ts';
import { redactBody } from './redact-body.ts';
import type { SignalFetch, SignalHistoryStore } from './signal-history-store.ts';

/** How many of a strategy's signals its page shows, and so how many texts are kept. */
export const SHOWN_SIGNALS = 50;

const WRITE_EVERY_MS = SECOND_MS;
/** While the database is away. */
const MOST_WAITING = 1_000;

/** A strategy's signals besides their outcome: the received texts, and the programs that fetched them. */
export interface SignalHistory extends Pick<Poller, 'start' | 'stop'> {
  /** Never rejects: a signal counts without it. */
  keepBody(
    signal: { readonly id: string; readonly strategyId: string; readonly receivedAt: number },
    body: Buffer,
  ): Promise<void>;
  /** Written a moment later: no program waits for it. */
  noteFetch(keyId: string, signalIds: readonly string[]): void;
  /** Rejects when it could not be written; nothing is forgotten then. */
  flush(): Promise<void>;
}

export interface SignalHistoryDeps {
  readonly history: Pick<SignalHistoryStore, 'keepBody' | 'noteFetches'>;
  readonly clock: Clock;
  readonly log: Log;
}

export function createSignalHistory({ history, clock, log }: SignalHistoryDeps): SignalHistory {
  let fetches: readonly SignalFetch[] = [];
  const poller = createPoller({ intervalMs: WRITE_EVERY_MS, work: flush, onError });

  async function flush(): Promise<void> {
    if (fetches.length === 0) return;
    const writing = fetches;
    fetches = [];
    try {
      await history.noteFetches(writing);
    } catch (error) {
      fetches = [...writing, ...fetches].slice(-MOST_WAITING);
      throw error;
    }
  }

  function onError(error: unknown): void {
    log.warn({ err: error }, 'Which API keys fetched signals could not be written and is tried again');
  }

  return {
    async keepBody({ id, strategyId, receivedAt }, body) {
      try {
        await history.keepBody(
          { signalId: id, strategyId, receivedAt, body: redactBody(body) },
          SHOWN_SIGNALS,
        );
      } catch (error) {
        log.warn({ err: error }, 'The text of a signal could not be kept');
      }
    },
    noteFetch(keyId, signalIds) {
      if (signalIds.length > 0)
        fetches = [...fetches, { keyId, signalIds, fetchedAt: clock.now() }].slice(-MOST_WAITING);
    },
    flush,
    start: poller.start,
    async stop() {
      await poller.stop();
      await flush().catch(onError);
    },
  };
}
