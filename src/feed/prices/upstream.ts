import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { isMarketOpen } from '../../core/market-hours.ts';
import type { PriceMode, ReadStreamPass, StreamPass } from '../../core/price-feed.ts';
import { type BookPlace, createPriceBook, type PriceReader } from './price-book.ts';
import type { LastQuote } from './price-frame.ts';
import { createStreamSilence } from './stream-silence.ts';
import { createUpstreamLink } from './upstream-link.ts';
import { createUpstreamRetries, type UpstreamPast } from './upstream-retries.ts';

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
  const { readStreamPass, clock, log } = deps;
  const book = createPriceBook(broker);
  const silence = createStreamSilence(clock);
  const retries = createUpstreamRetries({ ...deps, broker, past: options.past, retry: () => void look() });
  const link = createUpstreamLink({
    book,
    silence,
    clock,
    onTicks: retries.noteTicks,
    onEnd({ kind, why }, pass) {
      log.info({ broker, userId, kind, why }, 'A price stream has ended');
      retries.noteEnd(kind, pass);
    },
  });
  let hasEnded = false;
  let isLooking = false;
  let isToLookAgain = false;

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
      if (!hasEnded) follow(reading.kind === 'pass' ? reading : undefined);
    } catch (err) {
      log.warn({ err, broker }, 'What opens a price stream could not be read; it is tried again');
    } finally {
      isLooking = false;
    }
    if (!isToLookAgain) return;
    isToLookAgain = false;
    await look();
  }

  function follow(pass: StreamPass | undefined): void {
    if (link.pass !== undefined && link.pass.version !== pass?.version) link.drop();
    retries.goOnWith(pass?.version);
    const isTurn = link.pass === undefined && !retries.isWaiting && !retries.past.isRefused;
    if (pass !== undefined && isTurn) link.open(pass);
  }

  function end(): void {
    if (hasEnded) return;
    hasEnded = true;
    retries.stop();
    link.drop();
    onEnd(retries.past);
  }

  return {
    userId,
    broker,

    put(reader, place, mode) {
      book.put(reader, place, mode);
      silence.subscribed();
      link.want(place.key);
      if (link.pass === undefined && !retries.isWaiting) void look();
    },

    remove(reader, place) {
      book.remove(reader, place);
      if (book.size === 0) end();
      else link.want(place.key);
    },

    show: book.show,
    lastOf: book.lastOf,
    sizeWith: book.sizeWith,
    look,

    tend() {
      const now = clock.now();
      if (link.pass === undefined) return;
      if (link.pass.expiresAt <= now) return link.drop();
      if (!link.isOpen || !silence.isTooLong() || !isAnyOpen(book.exchanges(), now)) return;
      log.warn({ broker, userId }, 'A price stream is silent while its exchange trades; it is opened again');
      silence.noteFault();
      link.drop();
      void look();
    },

    get state() {
      if (hasEnded) return 'ended';
      if (link.pass === undefined) return isLooking ? 'opening' : 'waiting';
      return link.isOpen ? 'open' : 'opening';
    },
    get ticks() {
      return link.ticks;
    },
  };
}

const isAnyOpen = (exchanges: ReadonlySet<string>, now: number): boolean =>
  [...exchanges].some((exchange) => isMarketOpen(exchange, now));
