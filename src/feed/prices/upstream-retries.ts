import type { Clock } from '../../core/clock.ts';
import { MINUTE_MS, SECOND_MS } from '../../core/duration.ts';
import type { Log } from '../../core/log.ts';
import type { StreamEnd, StreamPass } from '../../core/price-feed.ts';

/** A user's past streams at a broker with one token; the next stream with that token goes on from there. */
export interface UpstreamPast {
  /** The token's; undefined before the first try. */
  readonly version: string | undefined;
  /** The broker does not want the token: it is not shown again. */
  isRefused: boolean;
  /** Its rejection is not stored yet. */
  unreported: StreamPass | undefined;
  failures: number;
  /** When it may be tried again, in ms since the epoch. */
  notBefore: number;
}

/** Whether a stream may be opened with the token of now, and when it may be tried again. */
export interface UpstreamRetries {
  readonly past: UpstreamPast;
  /** The next try has its time. */
  readonly isWaiting: boolean;
  /** With another token, or none, the past begins anew. Reports a rejection that is not stored yet once more. */
  goOnWith(version: string | undefined): void;
  /** A stream that was open so long when it brought prices has made up for earlier failures. */
  noteTicks(openForMs: number): void;
  noteEnd(kind: StreamEnd['kind'], pass: StreamPass): void;
  stop(): void;
}

export interface UpstreamRetriesOptions {
  readonly broker: string;
  readonly past: UpstreamPast | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly retry: () => void;
}

const FIRST_RETRY_MS = SECOND_MS;
const LONGEST_RETRY_MS = MINUTE_MS;

export function createUpstreamRetries(options: UpstreamRetriesOptions): UpstreamRetries {
  const { broker, clock, log, random, retry } = options;
  let past = options.past ?? createUpstreamPast();
  let timer: NodeJS.Timeout | undefined;

  function retryAfter(pauseMs: number): void {
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = undefined;
      retry();
    }, pauseMs).unref();
  }

  /** Full jitter. */
  function retryLater(): void {
    const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** past.failures);
    const pauseMs = Math.max(FIRST_RETRY_MS / 2, random() * longest);
    past.failures += 1;
    past.notBefore = clock.now() + pauseMs;
    retryAfter(pauseMs);
  }

  /** Never rejects: each look tries again. */
  async function report(pass: StreamPass): Promise<void> {
    const met = past;
    try {
      await pass.reportRejected();
      met.unreported = undefined;
    } catch (err) {
      log.error({ err, broker }, 'A rejected token could not be ended; it is tried again');
    }
  }

  function stop(): void {
    clearTimeout(timer);
    timer = undefined;
  }

  if (past.notBefore > clock.now()) retryAfter(past.notBefore - clock.now());

  return {
    get past() {
      return past;
    },
    get isWaiting() {
      return timer !== undefined;
    },

    goOnWith(version) {
      if (version !== past.version) {
        past = createUpstreamPast(version);
        stop();
      }
      if (past.unreported !== undefined) void report(past.unreported);
    },

    noteTicks(openForMs) {
      if (openForMs >= LONGEST_RETRY_MS) past.failures = 0;
    },

    noteEnd(kind, pass) {
      if (kind === 'lost') return retryLater();
      past.isRefused = true;
      if (kind !== 'rejected') return;
      past.unreported = pass;
      void report(pass);
    },

    stop,
  };
}

function createUpstreamPast(version?: string): UpstreamPast {
  return { version, isRefused: false, unreported: undefined, failures: 0, notBefore: 0 };
}
