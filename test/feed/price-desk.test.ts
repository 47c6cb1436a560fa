import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import type { PriceFeed, StreamListener } from '../../src/core/price-feed.ts';
import type { FeedSocket } from '../../src/feed/feed-socket.ts';
import { createPriceDesk } from '../../src/feed/prices/price-desk.ts';
import { createStreamQuota } from '../../src/feed/prices/stream-quota.ts';
import { createUpstreams } from '../../src/feed/prices/upstreams.ts';
import { createUserQuota } from '../../src/feed/user-quota.ts';
import { createRecordingLog } from '../broker/recording-log.ts';
import { createSettableClock } from '../support/settable-clock.ts';

const socketOf = (userId: string): FeedSocket =>
  ({
    owner: { userId },
    hasEnded: false,
    onEnd: () => undefined,
    sendLatest: () => undefined,
    cork: () => undefined,
    uncork: () => undefined,
  }) as unknown as FeedSocket;

it('keeps its stream where an import has given the only symbol to another instrument', async () => {
  const clock = createSettableClock('2026-11-23T10:00:00+05:30');
  const said: string[] = [];
  const listeners: StreamListener[] = [];
  const end = vi.fn();
  const upstreams = createUpstreams({
    clock,
    log: createRecordingLog(),
    random: () => 0.5,
    readStreamPass: async () => ({
      kind: 'pass',
      version: 'first',
      expiresAt: Number.POSITIVE_INFINITY,
      reportRejected: async () => true,
      connect(listener) {
        listeners.push(listener);
        return {
          subscribe: (keys) => void said.push(`subscribe ${keys}`),
          setMode: () => undefined,
          unsubscribe: (keys) => void said.push(`unsubscribe ${keys}`),
          end,
        };
      },
    }),
  });
  const feed: PriceFeed = {
    mostInstruments: 100,
    instruments: 'own',
    keyOf: () => undefined,
    connect: () => expect.fail('Streams are opened by their pass'),
  };
  let key = '1';
  const desk = createPriceDesk({
    upstreams,
    streamQuota: createStreamQuota({
      feeds: new Map([['zerodha', feed]]),
      upstreams,
      mostSubscriptions: 10,
      createQuota: () => expect.fail('The broker takes more than a user may have'),
    }),
    quota: createUserQuota({ name: 'subscriptions', most: 10, redis: undefined, clock }),
    mostSubscriptions: 10,
    chooseBroker: async () => ({ broker: 'zerodha', feed }),
    findPlace: async (_broker, _feed, symbol) => ({ kind: 'found', place: { key, symbol, exchange: 'NSE' } }),
  });
  const socket = socketOf('asha');
  const settle = async () => {
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  };

  await desk.subscribe(socket, { symbols: ['NSE:INFY'] });
  await settle();
  listeners[0]?.onOpen();
  await settle();
  key = '2';
  await desk.subscribe(socket, { symbols: ['NSE:INFY'] });
  await settle();
  expect(said).toEqual(['subscribe 1', 'unsubscribe 1', 'subscribe 2']);
  expect(listeners).toHaveLength(1);
  expect(end).not.toHaveBeenCalled();
});

it('says that a broker takes no more on its stream, and changes nothing', async () => {
  const clock = createSettableClock('2026-11-23T10:00:00+05:30');
  const upstreams = createUpstreams({
    clock,
    log: createRecordingLog(),
    random: () => 0.5,
    readStreamPass: async () => ({ kind: 'not_connected' }),
  });
  const feed: PriceFeed = {
    mostInstruments: 3,
    instruments: 'own',
    keyOf: () => undefined,
    connect: () => expect.fail('Streams are opened by their pass'),
  };
  const desk = createPriceDesk({
    upstreams,
    quota: createUserQuota({ name: 'subscriptions', most: 5, redis: undefined, clock }),
    streamQuota: createStreamQuota({
      feeds: new Map([['upstox', feed]]),
      upstreams,
      mostSubscriptions: 5,
      createQuota: (broker, most) =>
        createUserQuota({ name: `instruments:${broker}`, most, redis: undefined, clock }),
    }),
    mostSubscriptions: 5,
    chooseBroker: async () => ({ broker: 'upstox', feed }),
    findPlace: async (_broker, _feed, symbol) => ({
      kind: 'found',
      place: { key: symbol, symbol, exchange: 'NSE' },
    }),
  });
  const [first, second] = [socketOf('asha'), socketOf('asha')];

  await desk.subscribe(first, { symbols: ['NSE:A', 'NSE:B'] });
  const refused = desk.subscribe(second, { symbols: ['NSE:C', 'NSE:D'] });
  await expect(refused).rejects.toMatchObject({
    code: 'rate_limited',
    message: expect.stringMatching(/^upstox takes 3 symbols/),
    fields: { symbols: expect.any(String) },
  });
  expect(desk.size).toBe(2);
  // What was refused counts for neither limit.
  await desk.subscribe(second, { symbols: ['NSE:A', 'NSE:B', 'NSE:C'] });
  await desk.unsubscribe(first, { symbols: ['NSE:A'] });
  await expect(desk.subscribe(second, { symbols: ['NSE:D'] })).rejects.toThrow('upstox takes 3');
  await desk.unsubscribe(second, { symbols: ['NSE:A'] });
  await desk.subscribe(second, { symbols: ['NSE:D'] });
  expect(desk.size).toBe(4);
});
