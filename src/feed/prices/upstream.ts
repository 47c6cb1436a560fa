import type { Clock } from '../../core/clock.ts';
import { MINUTE_MS, SECOND_MS } from '../../core/duration.ts';
import type { Log } from '../../core/log.ts';
import { isMarketOpen } from '../../core/market-hours.ts';
import type { PriceMode, PriceStream, ReadStreamPass, StreamEnd, StreamPass } from '../../core/price-feed.ts';
import { type BookPlace, createPriceBook, type PriceReader } from './price-book.ts';
import type { LastQuote } from './price-frame.ts';
import { createStreamSilence } from './stream-silence.ts';
import { createStreamSubscriptions } from './stream-subscriptions.ts';
import { createUpstreamPast, type UpstreamPast } from './upstream-past.ts';

export interface UpstreamDeps {
  readonly readStreamPass: ReadStreamPass;
  readonly clock: Clock;
  readonly log: Log;
  /** From 0 to 1: so that not all streams come back in the same second. */
  readonly random: () => number;
}

/** A user's prices at one broker: one stream on this node, for all of their sockets here. */
export interface Upstream {
  readonly userId: string;
  readonly broker: string;
  /** Opens the stream with the first one. */
  put(reader: PriceReader, place: BookPlace, mode: PriceMode): void;
  /** Ends the stream with the last one. */
  remove(reader: PriceReader, place: BookPlace): void;
  show(reader: PriceReader, place: BookPlace): void;
  lastOf(key: string): LastQuote | undefined;
  /** How many instruments it has on this node with these; of those that are put. */
  sizeWith(keys: readonly string[]): number;
  /** Reads the token again: one that is over ends the stream, a new one opens it. */
  look(): Promise<void>;
  /** To be called once a second: ends a stream whose token is over by the clock, and notices silence. */
  tend(): void;
  readonly state: UpstreamState;
  /** Ticks so far. */
  readonly ticks: number;
}

/** `waiting`: for a new token, or for the next try. */
export type UpstreamState = 'opening' | 'open' | 'waiting' | 'ended';

const FIRST_RETRY_MS = SECOND_MS;
const LONGEST_RETRY_MS = MINUTE_MS;

interface Link {
  readonly pass: StreamPass;
  readonly stream: PriceStream;
  isOpen: boolean;
}

export interface UpstreamOptions {
  readonly userId: string;
  readonly broker: string;
  /** Of the stream before this one. */
  readonly past?: UpstreamPast | undefined;
  /** Its last reader has gone. */
  readonly onEnd: (past: UpstreamPast) => void;
}

export function createUpstream(deps: UpstreamDeps, options: UpstreamOptions): Upstream {
  const { userId, broker, onEnd } = options;
  const { readStreamPass, clock, log, random } = deps;
  const book = createPriceBook(broker);
  const silence = createStreamSilence(clock);
  let link: Link | undefined;
  let retry: NodeJS.Timeout | undefined;
  let past = options.past ?? createUpstreamPast();
  let openedAt = clock.now();
  let ticks = 0;
  let hasEnded = false;
  let isLooking = false;
  let isToLookAgain = false;

  const subscriptions = createStreamSubscriptions(book.modeOf, () =>
    link?.isOpen ? link.stream : undefined,
  );

  async function look(): Promise<void> {
    if (hasEnded) return;
    if (isLooking) {
      // A reading under way may be older than this call.
      isToLookAgain = true;
      return;
    }
    isLooking = true;
    try {
      const reading = await readStreamPass(userId, broker);
      if (hasEnded) return;
      const pass = reading.kind === 'pass' ? reading : undefined;
      if (link !== undefined && link.pass.version !== pass?.version) drop();
      if (pass?.version !== past.version) beginAnew(pass?.version);
      if (past.unreported !== undefined) void report(past.unreported);
      const isTurn = link === undefined && retry === undefined && !past.isRefused;
      if (pass !== undefined && isTurn) open(pass);
    } catch (err) {
      log.warn({ err, broker }, 'What opens a price stream could not be read; it is tried again');
    } finally {
      isLooking = false;
    }
    if (!isToLookAgain) return;
    isToLookAgain = false;
    await look();
  }

  /** With another token, or none. */
  function beginAnew(version: string | undefined): void {
    past = createUpstreamPast(version);
    clearTimeout(retry);
    retry = undefined;
  }

  function open(pass: StreamPass): void {
    subscriptions.forget();
    const opened = pass.connect({
      onOpen() {
        if (link?.stream !== opened) return;
        link.isOpen = true;
        openedAt = clock.now();
        silence.begin();
        for (const key of book.keys()) subscriptions.want(key);
      },
      onTicks(news) {
        if (link?.stream !== opened) return;
        const now = clock.now();
        silence.heard();
        if (now - openedAt >= LONGEST_RETRY_MS) past.failures = 0;
        ticks += news.length;
        book.apply(news, now);
      },
      onEnd(end) {
        if (link?.stream === opened) lose(end, pass);
      },
    });
    link = { pass, stream: opened, isOpen: false };
  }

  /** Lets the stream go, from this side. */
  function drop(): void {
    link?.stream.end();
    link = undefined;
    book.markStale();
  }

  function lose({ kind, why }: StreamEnd, pass: StreamPass): void {
    link = undefined;
    book.markStale();
    log.info({ broker, userId, kind, why }, 'A price stream has ended');
    if (kind === 'lost') tryAgain();
    else past.isRefused = true;
    if (kind !== 'rejected') return;
    past.unreported = pass;
    void report(pass);
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

  /** Full jitter. */
  function tryAgain(): void {
    const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** past.failures);
    const pauseMs = Math.max(FIRST_RETRY_MS / 2, random() * longest);
    past.failures += 1;
    past.notBefore = clock.now() + pauseMs;
    tryAfter(pauseMs);
  }

  function tryAfter(pauseMs: number): void {
    clearTimeout(retry);
    retry = setTimeout(() => {
      retry = undefined;
      void look();
    }, pauseMs).unref();
  }

  function end(): void {
    if (hasEnded) return;
    hasEnded = true;
    clearTimeout(retry);
    link?.stream.end();
    link = undefined;
    onEnd(past);
  }

  function isTrading(now: number): boolean {
    return [...book.exchanges()].some((exchange) => isMarketOpen(exchange, now));
  }

  if (past.notBefore > clock.now()) tryAfter(past.notBefore - clock.now());

  return {
    userId,
    broker,

    put(reader, place, mode) {
      book.put(reader, place, mode);
      silence.subscribed();
      subscriptions.want(place.key);
      if (link === undefined && retry === undefined) void look();
    },

    remove(reader, place) {
      book.remove(reader, place);
      if (book.size === 0) end();
      else subscriptions.want(place.key);
    },

    show: book.show,
    lastOf: book.lastOf,
    sizeWith: book.sizeWith,
    look,

    tend() {
      const now = clock.now();
      if (link === undefined) return;
      if (link.pass.expiresAt <= now) return drop();
      if (!link.isOpen || !silence.isTooLong() || !isTrading(now)) return;
      log.warn({ broker, userId }, 'A price stream is silent while its exchange trades; it is opened again');
      silence.noteFault();
      drop();
      void look();
    },

    get state() {
      if (hasEnded) return 'ended';
      if (link === undefined) return isLooking ? 'opening' : 'waiting';
      return link.isOpen ? 'open' : 'opening';
    },
    get ticks() {
      return ticks;
    },
  };
}
