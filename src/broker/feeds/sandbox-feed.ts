import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import { batchesOf } from '../../core/batches.ts';
import type { Clock } from '../../core/clock.ts';
import { SECOND_MS } from '../../core/duration.ts';
import { isMarketOpen } from '../../core/market-hours.ts';
import type {
  PriceFeed,
  PriceMode,
  PriceStream,
  StreamAccess,
  StreamListener,
  Tick,
} from '../../core/price-feed.ts';
import { callBroker } from '../adapters/call-broker.ts';
import { SANDBOX_PATHS } from '../sandbox/metadata.ts';
import { walkDepth, walkPrice } from './price-walk.ts';
import { createWalkedDays } from './walked-days.ts';

export interface SandboxFeedDeps {
  readonly clock: Clock;
  /** Where this server can reach itself; asked after it listens. */
  readonly internalOrigin: () => string;
}

/** As `GET /sandbox/market` answers. */
export const marketSchema = z.object({ hours: z.enum(['market', 'always']) });

const MOST_INSTRUMENTS = 3_000;
const TICK_EVERY_MS = SECOND_MS;
/** Then others have their turn: the prices are calculated in this process. */
const TOLD_TOGETHER = 100;

/** The practice broker's market: the broker is asked whether the feed token is good; the prices are a seeded walk. */
export function createSandboxFeed({ clock, internalOrigin }: SandboxFeedDeps): PriceFeed {
  async function enter({ token }: StreamAccess) {
    const url = new URL(internalOrigin() + SANDBOX_PATHS.market);
    const headers = { authorization: `Bearer ${token}` };
    const answer = await callBroker(url, { method: 'GET', headers });
    if (answer.kind !== 'answer') return { kind: 'lost', why: answer.why } as const;
    if (answer.status === 401) return { kind: 'rejected', why: 'invalid_token' } as const;
    const market = marketSchema.safeParse(answer.body);
    return market.success ? market.data : ({ kind: 'lost', why: 'garbled_response' } as const);
  }

  return {
    mostInstruments: MOST_INSTRUMENTS,
    instruments: 'any',
    keyOf: ({ exchange, tradingSymbol }) => `${exchange}:${tradingSymbol}`,
    connect(access, listener) {
      const market = createMarket(clock, listener);
      void enter(access).then(market.enter);
      return market;
    },
  };
}

interface Market extends PriceStream {
  enter(answer: { readonly hours: 'market' | 'always' } | Parameters<StreamListener['onEnd']>[0]): void;
}

function createMarket(clock: Clock, listener: StreamListener): Market {
  const modes = new Map<string, PriceMode>();
  const days = createWalkedDays();
  let hasEnded = false;
  let isTelling = false;
  let trades = (_key: string): boolean => false;
  let timer: NodeJS.Timeout | undefined;

  async function tell(keys: readonly string[]): Promise<void> {
    for (const batch of batchesOf(keys, TOLD_TOGETHER)) {
      if (hasEnded) return;
      const ticks = batch.flatMap(toTicks);
      if (ticks.length > 0) listener.onTicks(ticks);
      await nextTurn();
    }
  }

  function toTicks(key: string): readonly Tick[] {
    const mode = modes.get(key);
    const now = clock.now();
    if (mode === undefined) return [];
    if (mode === 'ltp') return [{ key, price: walkPrice(key, now), at: now }];
    const quote = { key, ...days.quote(key, now) };
    return [mode === 'quote' ? quote : { ...quote, depth: walkDepth(key, now) }];
  }

  /** A round that takes longer than a second leaves the next one out. */
  async function tellAll(): Promise<void> {
    if (isTelling) return;
    isTelling = true;
    await tell([...modes.keys()].filter(trades));
    isTelling = false;
  }

  function put(keys: readonly string[], mode: PriceMode): void {
    for (const key of keys) modes.set(key, mode);
    // As brokers do: the last price at once, also of a market that is closed.
    setImmediate(() => void tell(keys));
  }

  return {
    enter(answer) {
      if (hasEnded) return;
      if ('kind' in answer) {
        hasEnded = true;
        return listener.onEnd(answer);
      }
      trades = (key) => answer.hours === 'always' || isMarketOpen(key.split(':', 1)[0] ?? '', clock.now());
      timer = setInterval(() => void tellAll(), TICK_EVERY_MS).unref();
      listener.onOpen();
    },
    subscribe: put,
    setMode: put,
    unsubscribe(keys) {
      for (const key of keys) {
        modes.delete(key);
        days.forget(key);
      }
    },
    end() {
      hasEnded = true;
      clearInterval(timer);
    },
  };
}
