import { z } from 'zod';
import { SECOND_MS } from '../../core/duration.ts';
import { toIstIso } from '../../core/ist.ts';
import {
  PRODUCTS,
  SIGNAL_ACTIONS,
  type Signal,
  type SignalReading,
  type SignalsAfter,
} from '../../core/signal.ts';
import { AppError, invalid } from '../../errors.ts';
import { defineEndpoint, type Endpoint, instant } from '../endpoint.ts';

export interface SignalsEndpointDeps {
  readonly signalsAfter: SignalsAfter;
  /** That a key was handed signals. */
  readonly noteFetch: (keyId: string, signalIds: readonly string[]) => void;
}

/** Below what proxies wait for by themselves, and what a shutdown leaves to requests. */
const LONGEST_WAIT_SECONDS = 25;
const MOST_AT_ONCE = 500;
const DEFAULT_LIMIT = 100;
/** Waiting requests have ended by then. */
const RETRY_AFTER_SECONDS = 5;

const signal = z.object({
  id: z.string(),
  cursor: z.int().meta({ description: 'Where it stands: ask with it for what comes behind' }),
  strategyId: z.string(),
  strategyName: z.string(),
  broker: z.string(),
  receivedAt: instant,
  action: z.enum(SIGNAL_ACTIONS),
  exchange: z.string(),
  tradingSymbol: z.string(),
  quantity: z.number(),
  product: z.enum(PRODUCTS),
  price: z.number().nullable().meta({ description: 'As the sender gave it' }),
  clientId: z.string().nullable().meta({ description: 'The sender’s own name for it' }),
});

const data = z.object({
  signals: z.array(signal).meta({ description: 'Oldest first' }),
  cursor: z.int().meta({ description: 'What to ask with next' }),
});

/** A person's accepted signals; with `wait`, answered as soon as there is one. */
export function createSignalsEndpoint({ signalsAfter, noteFetch }: SignalsEndpointDeps): Endpoint {
  return defineEndpoint({
    method: 'get',
    path: '/signals',
    operationId: 'listSignals',
    summary: 'The signals that were accepted since the last ones you got',
    description:
      'Of this trading day: what is from before the last cutoff is not delivered. Ask with the cursor of the last answer; with wait, the answer comes as soon as there is a signal, or empty when the time is over. So one request after the other gets every signal once, at once.',
    scope: 'signals:read',
    params: z.strictObject({}),
    query: z.strictObject({
      after: z.coerce
        .number()
        .int()
        .min(0)
        .default(0)
        .meta({ description: 'The cursor of the last answer; 0 for the whole day' }),
      limit: z.coerce.number().int().min(1).max(MOST_AT_ONCE).default(DEFAULT_LIMIT),
      wait: z.coerce
        .number()
        .int()
        .min(0)
        .max(LONGEST_WAIT_SECONDS)
        .default(0)
        .meta({ description: 'Seconds to wait for the first signal where there is none' }),
    }),
    data,
    dataName: 'SignalPage',
    example: { signals: [EXAMPLE], cursor: 42 },
    errors: [],
    etag: false,
    waits: true,
    async answer({ caller, query, isHead, abort }) {
      const { after, limit, wait } = query;
      const waitMs = isHead ? 0 : wait * SECOND_MS;
      const reading = requirePage(await signalsAfter(caller.userId, after, { limit, waitMs, abort }));
      return { signals: reading.signals.map(toData), cursor: reading.cursor };
    },
    onSent: ({ id }, { signals }) =>
      noteFetch(
        id,
        signals.map((each) => each.id),
      ),
  });
}

function requirePage(reading: SignalReading): Extract<SignalReading, { kind: 'page' }> {
  switch (reading.kind) {
    case 'page':
      return reading;
    case 'too_many_waiting':
      throw new AppError(
        'rate_limited',
        `${reading.maximum} requests are waiting for signals already. End one of them first.`,
        { retryAfterSeconds: RETRY_AFTER_SECONDS },
      );
    case 'unknown_cursor':
      throw invalid({
        after: `There never was a signal with this cursor: the latest is ${reading.latest}. It may be of another server, or of a database that was restored since. Begin again with after=0.`,
      });
  }
}

function toData({ receivedAt, price, clientId, ...rest }: Signal): z.input<typeof signal> {
  return { ...rest, receivedAt: toIstIso(receivedAt), price: price ?? null, clientId: clientId ?? null };
}

const EXAMPLE: z.input<typeof signal> = {
  id: '0b6f7d1c-2f55-4f1b-9a3c-6a0a6a3b9f10',
  cursor: 42,
  strategyId: '5a0f8a1e-4f0b-4a52-9d3e-0c4f6f0f2a11',
  strategyName: 'Opening range',
  broker: 'zerodha',
  receivedAt: '2026-11-23T10:00:00.000+05:30',
  action: 'buy',
  exchange: 'NSE',
  tradingSymbol: 'SBIN',
  quantity: 10,
  product: 'MIS',
  price: 812.5,
  clientId: null,
};
