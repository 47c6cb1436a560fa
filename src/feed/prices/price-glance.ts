import { MINUTE_MS, SECOND_MS } from '../../core/duration.ts';
import type { Log } from '../../core/log.ts';
import { AppError } from '../../errors.ts';
import type { CurrentSession } from '../../sessions/current-session.ts';
import { ownerBySession } from '../../sessions/socket-owner.ts';
import type { RegisteredSocket, SocketRegistry } from '../../sessions/socket-registry.ts';
import type { Acting } from '../../storage/acting.ts';
import type { ChooseBroker } from './choose-broker.ts';
import type { FindPlace } from './find-place.ts';
import type { BookPlace, PriceReader } from './price-book.ts';
import type { Upstream } from './upstream.ts';
import type { Upstreams } from './upstreams.ts';

export interface PriceGlanceDeps {
  readonly sockets: SocketRegistry;
  readonly upstreams: Upstreams;
  readonly chooseBroker: ChooseBroker;
  readonly findPlace: FindPlace;
  readonly acting: Pick<Acting, 'asServer'>;
  readonly log: Log;
}

export interface GlancedPrice {
  readonly price: number;
  readonly close?: number | undefined;
  readonly at: number;
}

/**
 * Looks at the prices of a page's symbols for half a minute, so that a page without a script has them when it is loaded again.
 * One at a time for a session, which ends it like a socket of its own.
 */
export type PriceGlance = (
  session: CurrentSession,
  symbols: readonly string[],
  onSeen: (prices: ReadonlyMap<string, GlancedPrice>) => Promise<void>,
) => void;

const LASTS_MS = MINUTE_MS / 2;
const FIRST_SAVE_MS = 2 * SECOND_MS;

export function createPriceGlance(deps: PriceGlanceDeps): PriceGlance {
  const { sockets, upstreams, chooseBroker, findPlace, acting, log } = deps;
  const looking = new Set<string>();

  async function findPlaces(userId: string, symbols: readonly string[]) {
    const { broker, feed } = await chooseBroker(userId, undefined);
    const found = await Promise.all(symbols.map((symbol) => findPlace(broker, feed, symbol)));
    return { broker, places: found.flatMap((each) => (each.kind === 'found' ? [each.place] : [])) };
  }

  async function look(
    session: CurrentSession,
    symbols: readonly string[],
    onSeen: Parameters<PriceGlance>[2],
  ) {
    const { userId } = session;
    const { promise, resolve } = Promise.withResolvers<void>();
    let seen: ReadonlyMap<string, GlancedPrice> = new Map();
    let isOver = false;
    const registered: RegisteredSocket = {
      owner: ownerBySession(session),
      isOpen: false,
      tend: () => undefined,
      end() {
        isOver = true;
        resolve();
      },
    };
    // Before anything is awaited: a revocation finds it.
    sockets.add(registered);
    const timer = setTimeout(resolve, LASTS_MS).unref();
    let leave = (): void => undefined;
    try {
      const { broker, places } = await findPlaces(userId, symbols);
      if (isOver || places.length === 0) return;
      const upstream = upstreams.of(userId, broker);
      leave = join(upstream, places);
      const saving = setTimeout(
        () => void onSeen(lastPrices(upstream, places)).catch(warn),
        FIRST_SAVE_MS,
      ).unref();
      await promise;
      clearTimeout(saving);
      seen = lastPrices(upstream, places);
    } finally {
      clearTimeout(timer);
      sockets.remove(registered);
      leave();
    }
    if (!isOver && seen.size > 0) await onSeen(seen);
  }

  const warn = (err: unknown): void => log.warn({ err }, 'Prices that a page would show could not be stored');

  return function glance(session, symbols, onSeen) {
    const { sid } = session;
    if (looking.has(sid)) return;
    looking.add(sid);
    void acting.asServer(() =>
      look(session, symbols, onSeen)
        .catch((err: unknown) => {
          // No broker is connected: the page has what it had.
          if (!(err instanceof AppError)) warn(err);
        })
        .finally(() => looking.delete(sid)),
    );
  };
}

/** Has the stream told of these instruments; returns how to stop that. */
function join(upstream: Upstream, places: readonly BookPlace[]): () => void {
  // It takes no frames: the stream keeps the last of each.
  const reader: PriceReader = { sendLatest: () => undefined, cork: () => undefined, uncork: () => undefined };
  for (const place of places) upstream.put(reader, place, 'quote');
  return () => {
    for (const place of places) upstream.remove(reader, place);
  };
}

/** By symbol. */
function lastPrices(upstream: Upstream, places: readonly BookPlace[]): ReadonlyMap<string, GlancedPrice> {
  return new Map(
    places.flatMap(({ key, symbol }) => {
      const last = upstream.lastOf(key);
      return last === undefined ? [] : [[symbol, { price: last.price, close: last.close, at: last.at }]];
    }),
  );
}
