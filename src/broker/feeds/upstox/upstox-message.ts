import { fromBinary } from '@bufbuild/protobuf';
import type { DepthLevel, Quote, Tick } from '../../../core/price-feed.ts';
import {
  type Feed,
  type FeedResponse,
  FeedResponseSchema,
  type LTPC,
  type MarketLevel,
  type MarketOHLC,
  type Quote as QuoteMessage,
} from './market-data-feed_pb.ts';

const DAY = '1d';
/** 2100: a later instant is nonsense, and a date may have no room for it. */
const TOO_LATE_MS = 4_102_444_800_000;

/** The ticks of a binary message; empty where it is none. What Upstox leaves out has not changed. Never throws. */
export function readUpstoxMessage(data: Buffer): readonly Tick[] {
  return Object.entries(decode(data)?.feeds ?? {}).flatMap(([key, feed]) => {
    const quote = readFeed(feed);
    return Object.keys(quote).length === 0 ? [] : [{ key, ...quote }];
  });
}

function decode(data: Buffer): FeedResponse | undefined {
  try {
    return fromBinary(FeedResponseSchema, data);
  } catch {
    return undefined;
  }
}

function readFeed({ content }: Feed): Quote {
  switch (content.case) {
    case 'ltpc':
      return readLtpc(content.value);
    case 'fullFeed': {
      const full = content.value.content;
      if (full.case === undefined) return {};
      const { ltpc, marketOHLC } = full.value;
      const shared = { ...readLtpc(ltpc), ...readDay(marketOHLC) };
      if (full.case === 'indexFF') return shared;
      const { atp, vtt, oi, tbq, tsq, marketLevel } = full.value;
      return {
        ...shared,
        ...numbers({ averagePrice: atp, volume: vtt, openInterest: oi, buyQuantity: tbq, sellQuantity: tsq }),
        ...readDepth(marketLevel),
      };
    }
    case 'firstLevelWithGreeks': {
      const { ltpc, vtt, oi } = content.value;
      return { ...readLtpc(ltpc), ...numbers({ volume: vtt, openInterest: oi }) };
    }
    default:
      return {};
  }
}

function readLtpc(ltpc: LTPC | undefined): Quote {
  const { ltp: price, ltt = 0n, ltq: lastQuantity, cp: close } = ltpc ?? {};
  const at = ltt > 0 && ltt < TOO_LATE_MS ? ltt : undefined;
  return numbers({ price, at, lastQuantity, close });
}

function readDay(message: MarketOHLC | undefined): Quote {
  const day = message?.ohlc.find(({ interval }) => interval === DAY);
  // These have no absence of their own on the wire: 0 is none.
  return numbers({ open: day?.open || undefined, high: day?.high || undefined, low: day?.low || undefined });
}

function readDepth(level: MarketLevel | undefined): Pick<Quote, 'depth'> {
  if (level === undefined) return {};
  const side = (read: (quote: QuoteMessage) => { quantity: bigint; price: number }): readonly DepthLevel[] =>
    level.bidAskQuote
      .map(read)
      .map(({ quantity, price }) => ({ price, quantity: Number(quantity) }))
      .filter(({ price, quantity }) => quantity > 0 && Number.isFinite(price));
  return {
    depth: {
      buy: side(({ bidQ, bidP }) => ({ quantity: bidQ, price: bidP })),
      sell: side(({ askQ, askP }) => ({ quantity: askQ, price: askP })),
    },
  };
}

/** The present numbers of a message. */
function numbers(values: Readonly<Partial<Record<keyof Quote, number | bigint | undefined>>>): Quote {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== undefined && Number.isFinite(Number(value)))
      .map(([name, value]) => [name, Number(value)]),
  );
}
