import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { StreamListener, StreamPass } from '../../src/core/price-feed.ts';
import { createUpstream, type Upstream } from '../../src/feed/prices/upstream.ts';
import { createUpstreams } from '../../src/feed/prices/upstreams.ts';
import { createRecordingLog } from '../broker/recording-log.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';

const SECOND = 1_000;
const INFY = { key: '1', symbol: 'NSE:INFY', exchange: 'NSE' };
const SBIN = { key: '2', symbol: 'NSE:SBIN', exchange: 'NSE' };

/** A broker whose stream does what the test says. */
function createFakeBroker() {
  let listener: StreamListener | undefined;
  const said: string[] = [];
  const broker = {
    connects: 0,
    open: 0,
    said,
    version: 'first' as string | undefined,
    reportRejected: vi.fn(async () => true),
    get listener(): StreamListener {
      if (listener === undefined) throw new Error('Nobody is connected');
      return listener;
    },
    async readStreamPass() {
      const { version } = broker;
      if (version === undefined) return { kind: 'not_connected' } as const;
      return {
        kind: 'pass',
        version,
        expiresAt: Number.POSITIVE_INFINITY,
        reportRejected: broker.reportRejected,
        connect(given) {
          listener = given;
          broker.connects += 1;
          broker.open += 1;
          const say = (word: string) => (keys: readonly string[], mode?: string) =>
            void said.push([word, ...keys, mode].filter(Boolean).join(' '));
          return {
            subscribe: say('subscribe'),
            setMode: say('mode'),
            unsubscribe: say('unsubscribe'),
            end: () => {
              broker.open -= 1;
            },
          };
        },
      } satisfies StreamPass;
    },
  };
  return broker;
}

function createReader() {
  const frames: Record<string, unknown>[] = [];
  return {
    frames,
    sendLatest: (_key: string, frame: string) => void frames.push(JSON.parse(frame)),
    cork: vi.fn(),
    uncork: vi.fn(),
  };
}

describe('The stream of a user at a broker', () => {
  let clock: SettableClock;
  let broker: ReturnType<typeof createFakeBroker>;
  let upstream: Upstream;
  let reader: ReturnType<typeof createReader>;
  const ended = vi.fn();

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    broker = createFakeBroker();
    reader = createReader();
    upstream = createUpstream(
      { readStreamPass: broker.readStreamPass, clock, log: createRecordingLog(), random: () => 0.5 },
      { userId: 'asha', broker: 'zerodha', onEnd: ended },
    );
  });
  afterEach(() => {
    vi.useRealTimers();
    ended.mockReset();
  });

  async function settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  }

  async function open(): Promise<void> {
    upstream.put(reader, INFY, 'ltp');
    await settle();
    broker.listener.onOpen();
    await settle();
  }

  const tick = (key: string, price: number) => broker.listener.onTicks([{ key, price }]);

  it('is told in one message of all that is wanted in a turn, and of changes alone', async () => {
    upstream.put(reader, INFY, 'ltp');
    upstream.put(reader, SBIN, 'ltp');
    await settle();
    expect(broker.said).toEqual([]);
    broker.listener.onOpen();
    await settle();
    expect(broker.said).toEqual(['subscribe 1 2 ltp']);
    const second = createReader();
    upstream.put(second, INFY, 'depth');
    upstream.put(second, SBIN, 'ltp');
    await settle();
    expect(broker.said.slice(1)).toEqual(['mode 1 depth']);
    upstream.remove(second, INFY);
    upstream.remove(reader, SBIN);
    await settle();
    expect(broker.said.slice(2)).toEqual(['mode 1 ltp']);
    upstream.remove(second, SBIN);
    await settle();
    expect(broker.said.slice(3)).toEqual(['unsubscribe 2']);
  });

  it('gives each reader the mode it asked for, of one tick', async () => {
    await open();
    const second = createReader();
    upstream.put(second, INFY, 'quote');
    broker.listener.onTicks([{ key: '1', price: 10, volume: 5 }]);
    expect(reader.frames).toMatchObject([{ mode: 'ltp', price: 10 }]);
    expect(reader.frames[0]).not.toHaveProperty('volume');
    expect(second.frames).toMatchObject([{ mode: 'quote', price: 10, volume: 5 }]);
  });

  it('takes what a tick leaves out for unchanged, and knows no price before there was one', async () => {
    await open();
    upstream.put(reader, INFY, 'quote');
    broker.listener.onTicks([{ key: '1', volume: 5 }]);
    expect(reader.frames).toEqual([]);
    broker.listener.onTicks([{ key: '1', price: 10, volume: 6 }]);
    broker.listener.onTicks([{ key: '1', volume: 7 }]);
    expect(reader.frames.at(-1)).toMatchObject({ price: 10, volume: 7 });
  });

  it('forgets the order book and the figures of the day when no reader wants them any more', async () => {
    await open();
    const depth = { buy: [], sell: [] };
    const [second, third] = [createReader(), createReader()];
    upstream.put(second, INFY, 'depth');
    broker.listener.onTicks([{ key: '1', price: 10, close: 9, volume: 5, depth }]);
    expect(second.frames).toMatchObject([{ depth, volume: 5 }]);
    upstream.put(second, INFY, 'quote');
    upstream.put(third, INFY, 'depth');
    upstream.show(third, INFY);
    expect(third.frames).toMatchObject([{ mode: 'depth', price: 10, volume: 5 }]);
    expect(third.frames[0]).not.toHaveProperty('depth');
    for (const each of [second, third]) upstream.remove(each, INFY);
    // On its way when the broker was told.
    broker.listener.onTicks([{ key: '1', price: 11, volume: 6, depth }]);
    upstream.put(second, INFY, 'depth');
    upstream.show(second, INFY);
    expect(second.frames.at(-1)).toMatchObject({ mode: 'depth', price: 11, close: 9 });
    expect(second.frames.at(-1)).not.toHaveProperty('volume');
    expect(second.frames.at(-1)).not.toHaveProperty('depth');
  });

  it('passes over what nobody asked for', async () => {
    await open();
    tick('999', 10);
    expect(reader.frames).toEqual([]);
  });

  it('is opened again when it was lost, later each time, and says meanwhile that its prices are old', async () => {
    await open();
    tick('1', 10);
    for (const pause of [500, 1_000, 2_000, 4_000]) {
      broker.listener.onEnd({ kind: 'lost', why: 'closed' });
      const { connects } = broker;
      await vi.advanceTimersByTimeAsync(pause - 1);
      await settle();
      expect(broker.connects).toBe(connects);
      await vi.advanceTimersByTimeAsync(1);
      await settle();
      expect(broker.connects).toBe(connects + 1);
    }
    expect(reader.frames).toMatchObject([{ stale: false }, { stale: true, price: 10 }]);
    broker.listener.onOpen();
    await settle();
    expect(broker.said.at(-1)).toBe('subscribe 1 ltp');
    tick('1', 11);
    expect(reader.frames.at(-1)).toMatchObject({ stale: false, price: 11 });
  });

  it.each(['rejected', 'refused'] as const)('is not opened again with a token that was %s', async (kind) => {
    await open();
    tick('1', 10);
    broker.listener.onEnd({ kind, why: 'invalid_token' });
    for (let round = 0; round < 5; round += 1) {
      await vi.advanceTimersByTimeAsync(3_600 * SECOND);
      await upstream.look();
      upstream.put(createReader(), SBIN, 'ltp');
      await settle();
    }
    expect(broker.connects).toBe(1);
    expect(broker.reportRejected).toHaveBeenCalledTimes(kind === 'rejected' ? 1 : 0);
    expect(reader.frames.at(-1)).toMatchObject({ stale: true });
    broker.version = 'second';
    await upstream.look();
    await settle();
    expect(broker.connects).toBe(2);
  });

  it('is rebuilt when the token is another one, and only then', async () => {
    await open();
    await upstream.look();
    expect(broker.connects).toBe(1);
    broker.version = 'second';
    await upstream.look();
    expect([broker.connects, broker.open]).toEqual([2, 1]);
    broker.version = undefined;
    await upstream.look();
    expect(broker.open).toBe(0);
  });

  it('looks again where the token may have changed while it looked', async () => {
    await open();
    const looks = [upstream.look(), upstream.look()];
    broker.version = 'second';
    await Promise.all(looks);
    await settle();
    expect(broker.connects).toBe(2);
  });

  it('does not wait for its next try where there is a new token', async () => {
    await open();
    broker.listener.onEnd({ kind: 'lost', why: 'closed' });
    await upstream.look();
    expect(broker.connects).toBe(1);
    broker.version = 'second';
    await upstream.look();
    expect(broker.connects).toBe(2);
  });

  it('is opened again after 30 silent seconds while the exchange trades, then after 60', async () => {
    await open();
    tick('1', 10);
    const silentFor = async (seconds: number) => {
      clock.advance(seconds * SECOND);
      upstream.tend();
      await settle();
    };
    await silentFor(29.999);
    expect(broker.connects).toBe(1);
    await silentFor(0.001);
    expect([broker.connects, broker.open]).toEqual([2, 1]);
    expect(reader.frames.at(-1)).toMatchObject({ stale: true });
    const reopen = () => {
      broker.listener.onOpen();
      // As brokers do: the last price at once.
      tick('1', 10);
    };
    reopen();
    await silentFor(59.999);
    expect(broker.connects).toBe(2);
    await silentFor(0.001);
    expect(broker.connects).toBe(3);
    reopen();
    clock.advance(5 * SECOND);
    tick('1', 11);
    await silentFor(30);
    expect(broker.connects).toBe(4);
  });

  it('waits longer before its next try until it has lasted a minute', async () => {
    await open();
    const pauseAfter = async (seconds: number): Promise<number> => {
      clock.advance(seconds * SECOND);
      tick('1', 10);
      broker.listener.onEnd({ kind: 'lost', why: 'closed' });
      const { connects } = broker;
      let pause = 0;
      for (; broker.connects === connects; pause += 500) {
        await vi.advanceTimersByTimeAsync(500);
        await settle();
      }
      broker.listener.onOpen();
      return pause;
    };
    expect(await pauseAfter(1)).toBe(500);
    expect(await pauseAfter(1)).toBe(1_000);
    expect(await pauseAfter(59.999)).toBe(2_000);
    expect(await pauseAfter(60)).toBe(500);
  });

  it('reports a rejected token again at each look until that is stored', async () => {
    await open();
    broker.reportRejected.mockRejectedValueOnce(new Error('The database is away'));
    broker.listener.onEnd({ kind: 'rejected', why: 'invalid_token' });
    await settle();
    await upstream.look();
    await upstream.look();
    await settle();
    expect(broker.reportRejected).toHaveBeenCalledTimes(2);
    expect(broker.connects).toBe(1);
  });

  it('may be silent while the exchange is closed', async () => {
    await open();
    clock.set('2026-11-23T15:30:00+05:30');
    upstream.tend();
    await settle();
    expect(broker.connects).toBe(1);
  });

  it('ends with its last reader, also while it is being opened', async () => {
    upstream.put(reader, INFY, 'ltp');
    upstream.remove(reader, INFY);
    await settle();
    expect(broker.connects).toBe(0);
    expect(upstream.state).toBe('ended');
    expect(ended).toHaveBeenCalledOnce();
  });

  it('hears nothing of a stream that it has left', async () => {
    await open();
    const before = broker.listener;
    broker.version = 'second';
    await upstream.look();
    before.onTicks([{ key: '1', price: 10 }]);
    before.onEnd({ kind: 'rejected', why: 'late' });
    expect(reader.frames).toEqual([]);
    expect(broker.reportRejected).not.toHaveBeenCalled();
  });
});

describe('The next stream of a user at a broker', () => {
  let broker: ReturnType<typeof createFakeBroker>;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    broker = createFakeBroker();
  });
  afterEach(() => vi.useRealTimers());

  function createReading() {
    const clock = createSettableClock('2026-11-23T10:00:00+05:30');
    const { readStreamPass } = broker;
    const upstreams = createUpstreams({
      readStreamPass,
      clock,
      log: createRecordingLog(),
      random: () => 0.5,
    });
    return async () => {
      const reader = createReader();
      upstreams.of('asha', 'zerodha').put(reader, INFY, 'ltp');
      await nextTurn();
      return () => upstreams.of('asha', 'zerodha').remove(reader, INFY);
    };
  }

  it('does not show a token again that was refused', async () => {
    const read = createReading();
    const leave = await read();
    broker.listener.onEnd({ kind: 'refused', why: 'no_data_plan' });
    leave();
    (await read())();
    expect(broker.connects).toBe(1);
    broker.version = 'second';
    await read();
    expect(broker.connects).toBe(2);
  });

  it('waits as long as the one before would have', async () => {
    const read = createReading();
    const leave = await read();
    broker.listener.onEnd({ kind: 'lost', why: 'closed' });
    leave();
    await read();
    await vi.advanceTimersByTimeAsync(499);
    expect(broker.connects).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    await nextTurn();
    expect(broker.connects).toBe(2);
  });
});
