import type { PriceFeed, PriceMode } from '../../core/price-feed.ts';
import { AppError } from '../../errors.ts';
import type { FeedSocket } from '../feed-socket.ts';
import type { UserQuota } from '../user-quota.ts';
import type { ChooseBroker } from './choose-broker.ts';
import type { FindPlace } from './find-place.ts';
import type { BookPlace } from './price-book.ts';
import type { StreamQuota } from './stream-quota.ts';
import type { Upstreams } from './upstreams.ts';

export interface PriceDeskDeps {
  readonly upstreams: Upstreams;
  readonly quota: UserQuota;
  readonly streamQuota: StreamQuota;
  readonly chooseBroker: ChooseBroker;
  readonly findPlace: FindPlace;
  /** SOCKET_SUBSCRIPTIONS. */
  readonly mostSubscriptions: number;
}

export interface WantedPrices {
  /** As `NSE:INFY`. */
  readonly symbols: readonly string[];
  readonly broker?: string | undefined;
  readonly mode?: PriceMode | undefined;
}

/** Subscriptions of sockets. Throws AppError with the field that is wrong; then nothing has changed. */
export interface PriceDesk {
  /** Answers the broker, and how to send the prices that are known already. */
  subscribe(socket: FeedSocket, wanted: WantedPrices): Promise<{ broker: string; showLast: () => void }>;
  /** Symbols that it is not subscribed to are passed over. Without a broker: at any. */
  unsubscribe(socket: FeedSocket, wanted: Omit<WantedPrices, 'mode'>): Promise<void>;
  /** On this node, of all sockets. */
  readonly size: number;
}

interface Subscription {
  readonly broker: string;
  readonly place: BookPlace;
}

export function createPriceDesk(deps: PriceDeskDeps): PriceDesk {
  const { upstreams, quota, streamQuota, chooseBroker, findPlace, mostSubscriptions } = deps;
  const subscriptions = createSubscriptions(deps);

  async function takeQuota(socket: FeedSocket, count: number): Promise<void> {
    if (await quota.set(socket, count)) return;
    throw wrong(
      'symbols',
      `You may be subscribed to ${mostSubscriptions} symbols, over all your sockets together.`,
      'rate_limited',
    );
  }

  return {
    async subscribe(socket, { symbols, broker: asked, mode = 'ltp' }) {
      const { userId } = socket.owner;
      const { broker, feed } = await chooseBroker(userId, asked);
      const names = [...new Set(symbols.map((symbol) => symbol.trim().toUpperCase()))];
      const places = await findAll(findPlace, broker, feed, names);
      if (socket.hasEnded) return { broker, showLast: () => undefined };
      const own = subscriptions.of(socket);
      const fresh = places.filter(({ symbol }) => !own.has(idOf(broker, symbol)));
      if (fresh.length > 0) await takeQuota(socket, own.size + fresh.length);
      const keys = places.map(({ key }) => key);
      const isAdmitted = await streamQuota.admit(userId, broker, keys, () => {
        // It may have ended while Redis was asked.
        if (!socket.hasEnded) subscriptions.put(socket, broker, places, mode);
      });
      if (socket.hasEnded) {
        await streamQuota.settle(userId, broker);
        await quota.release(socket);
        return { broker, showLast: () => undefined };
      }
      if (!isAdmitted) {
        await quota.set(socket, own.size);
        throw wrong('symbols', tooMany(broker, feed), 'rate_limited');
      }
      return {
        broker,
        showLast: () => {
          for (const place of places) upstreams.find(userId, broker)?.show(socket, place);
        },
      };
    },

    async unsubscribe(socket, { symbols, broker }) {
      const own = subscriptions.find(socket);
      if (own === undefined) return;
      const names = new Set(symbols.map((symbol) => symbol.trim().toUpperCase()));
      const left: Subscription[] = [];
      for (const [id, subscription] of own) {
        const isMeant = broker === undefined || broker === subscription.broker;
        if (!isMeant || !names.has(subscription.place.symbol)) continue;
        own.delete(id);
        subscriptions.leave(socket, subscription);
        left.push(subscription);
      }
      await subscriptions.settle(socket, left);
      await quota.set(socket, own.size);
      if (socket.hasEnded) await quota.release(socket);
    },

    get size() {
      return subscriptions.size;
    },
  };
}

/** What each socket is subscribed to, by broker and symbol. */
function createSubscriptions({ upstreams, quota, streamQuota }: PriceDeskDeps) {
  const bySocket = new Map<FeedSocket, Map<string, Subscription>>();

  function of(socket: FeedSocket): Map<string, Subscription> {
    const known = bySocket.get(socket);
    if (known !== undefined) return known;
    const subscriptions = new Map<string, Subscription>();
    bySocket.set(socket, subscriptions);
    socket.onEnd(() => {
      bySocket.delete(socket);
      for (const subscription of subscriptions.values()) leave(socket, subscription);
      void settle(socket, subscriptions.values());
      void quota.release(socket);
    });
    return subscriptions;
  }

  function leave(socket: FeedSocket, { broker, place }: Subscription): void {
    upstreams.find(socket.owner.userId, broker)?.remove(socket, place);
  }

  async function settle({ owner }: FeedSocket, left: Iterable<Subscription>): Promise<void> {
    for (const broker of new Set([...left].map((subscription) => subscription.broker)))
      await streamQuota.settle(owner.userId, broker);
  }

  function put(socket: FeedSocket, broker: string, places: readonly BookPlace[], mode: PriceMode): void {
    const subscriptions = of(socket);
    const upstream = upstreams.of(socket.owner.userId, broker);
    for (const place of places) {
      const id = idOf(broker, place.symbol);
      const before = subscriptions.get(id);
      subscriptions.set(id, { broker, place });
      // Before the other one is removed, or the stream might end with its last reader.
      upstream.put(socket, place, mode);
      // An import has given the name to another instrument.
      if (before !== undefined && before.place.key !== place.key) upstream.remove(socket, before.place);
    }
  }

  return {
    of,
    find: (socket: FeedSocket) => bySocket.get(socket),
    put,
    leave,
    settle,
    get size(): number {
      return [...bySocket.values()].reduce((sum, subscriptions) => sum + subscriptions.size, 0);
    },
  };
}

async function findAll(
  findPlace: FindPlace,
  broker: string,
  feed: PriceFeed,
  symbols: readonly string[],
): Promise<readonly BookPlace[]> {
  const places: BookPlace[] = [];
  for (const [index, symbol] of symbols.entries()) {
    const found = await findPlace(broker, feed, symbol);
    if (found.kind !== 'found') throw wrong(`symbols.${index}`, found.message, CODES[found.kind]);
    places.push(found.place);
  }
  return places;
}

const tooMany = (broker: string, { mostInstruments }: PriceFeed): string =>
  `${broker} takes ${mostInstruments} symbols on a user’s price stream, which all of your sockets share. Unsubscribe from others first.`;

const idOf = (broker: string, symbol: string): string => `${broker} ${symbol}`;

const CODES = { unknown: 'not_found', ambiguous: 'ambiguous', without_prices: 'not_found' } as const;

function wrong(
  field: string,
  message: string,
  code: 'invalid' | 'not_found' | 'ambiguous' | 'rate_limited' = 'invalid',
): AppError {
  return new AppError(code, message, { fields: { [field]: message } });
}
