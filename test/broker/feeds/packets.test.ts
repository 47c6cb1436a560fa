import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DhanPacket, readDhanMessage } from '../../../src/broker/feeds/dhan/dhan-packets.ts';
import { readUpstoxMessage } from '../../../src/broker/feeds/upstox/upstox-message.ts';
import { readKiteMessage, readPacket } from '../../../src/broker/feeds/zerodha/kite-packets.ts';
import type { Tick } from '../../../src/core/price-feed.ts';
import { priceFrame } from '../../../src/feed/prices/price-frame.ts';
import { dhanGoodbye, dhanPacket } from './dhan-server.ts';
import { kiteMessage, kitePacket } from './kite-server.ts';
import { upstoxMessage, upstoxTick } from './upstox-server.ts';

const bytes = fc.uint8Array({ maxLength: 600 }).map((array) => Buffer.from(array));

describe('The packets of Kite', () => {
  it.each([
    ['shares in paise', 0x63901, 157_315, 1573.15],
    ['currencies of NSE in ten-millionths', 0x00103, 845_025_000, 84.5025],
    ['currencies of BSE in ten-thousandths', 0x00106, 845_025, 84.5025],
    ['commodities of MCX in paise', 0x00107, 11_871_100, 118_711],
    ['commodities of NSE in ten-thousandths', 0x0010c, 1_146_550_000, 114_655],
  ])('have prices of %s', (_, token, written, price) => {
    const packet = Buffer.alloc(8);
    packet.writeUInt32BE(token, 0);
    packet.writeInt32BE(written, 4);
    expect(readPacket(packet)).toEqual({ key: String(token), price });
  });

  it.each([28, 32])('of an index have %d bytes, and another sequence of the day’s figures', (length) => {
    const packet = Buffer.alloc(length);
    for (const [index, value] of [256_265, 2_519_870, 2_530_000, 2_510_000, 2_515_000, 2_508_000].entries())
      packet.writeInt32BE(value, index * 4);
    expect(readPacket(packet)).toMatchObject({
      key: '256265',
      price: 25_198.7,
      high: 25_300,
      low: 25_100,
      open: 25_150,
      close: 25_080,
    });
  });

  it('come several to a message; a heartbeat is none, and what is cut off or unknown is passed over', () => {
    const first = kitePacket(408_065, 1573.15, 'ltp');
    const second = kitePacket(779_521, 800, 'quote');
    expect(readKiteMessage(kiteMessage(first, Buffer.alloc(13), second)).map(({ key }) => key)).toEqual([
      '408065',
      '779521',
    ]);
    expect(readKiteMessage(Buffer.from([0]))).toEqual([]);
    expect(readKiteMessage(kiteMessage(first, second).subarray(0, 50))).toHaveLength(1);
  });
});

describe('The packets of Dhan', () => {
  it('come several to a message, and say why the broker leaves', () => {
    const message = Buffer.concat([
      dhanPacket(1594, 1573.15, 'ltp'),
      dhanPacket(3045, 800, 'depth'),
      dhanGoodbye(807),
    ]);
    expect(readDhanMessage(message)).toMatchObject([
      { kind: 'tick', tick: { key: 'NSE_EQ:1594', price: 1573.15 } },
      { kind: 'tick', tick: { key: 'NSE_EQ:3045', price: 800 } },
      { kind: 'disconnected', reason: 807 },
    ]);
  });

  it('have the open interest and the close before in packets of their own', () => {
    const interest = dhanPacket(1, 0, 'ltp').subarray(0, 12);
    interest.writeUInt8(5, 0);
    interest.writeUInt32LE(77, 8);
    const previous = dhanPacket(1, 1567.8, 'ltp');
    previous.writeUInt8(6, 0);
    expect(readDhanMessage(Buffer.concat([interest, previous]))).toEqual([
      { kind: 'tick', tick: { key: 'NSE_EQ:1', openInterest: 77 } },
      { kind: 'tick', tick: { key: 'NSE_EQ:1', close: 1567.8 } },
    ]);
  });
});

describe('The prices of Dhan', () => {
  it.each([1573.15, 118_711.05, 99_999.95, 0.05, 1_234_567])('are to the paisa: %d', (price) => {
    expect(readDhanMessage(dhanPacket(1, price, 'ltp'))).toMatchObject([{ tick: { price } }]);
  });

  it('leave out a close of 0, which is none yet', () => {
    const packet = dhanPacket(1, 1573.15, 'quote');
    packet.writeFloatLE(0, 38);
    const [read] = readDhanMessage(packet);
    expect(read?.kind === 'tick' && 'close' in read.tick).toBe(false);
    expect(read).toMatchObject({ tick: { open: 1569.15, high: 1575 } });
  });
});

describe('The messages of Upstox', () => {
  it('have doubles in rupees, of commodities too', () => {
    expect(readUpstoxMessage(upstoxTick('MCX_FO|457532', 118_711, 'ltpc'))).toMatchObject([
      { key: 'MCX_FO|457532', price: 118_711 },
    ]);
  });

  it('say nothing of what they leave out: not zero', () => {
    const message = upstoxMessage({
      feeds: {
        'NSE_EQ|A': {
          content: { case: 'fullFeed', value: { content: { case: 'marketFF', value: { vtt: 9n } } } },
        },
      },
    });
    expect(readUpstoxMessage(message)).toEqual([{ key: 'NSE_EQ|A', volume: 9 }]);
    expect(
      readUpstoxMessage(upstoxMessage({ type: 2, marketInfo: { segmentStatus: { NSE_EQ: 2 } } })),
    ).toEqual([]);
  });

  it('say nothing of a day that has no figures yet', () => {
    const ohlc = [{ interval: '1d', open: 0, high: 0, low: 0, close: 0 }];
    const message = upstoxMessage({
      feeds: {
        'NSE_EQ|A': {
          content: {
            case: 'fullFeed',
            value: { content: { case: 'marketFF', value: { vtt: 9n, marketOHLC: { ohlc } } } },
          },
        },
      },
    });
    expect(readUpstoxMessage(message)).toEqual([{ key: 'NSE_EQ|A', volume: 9 }]);
  });

  it.each([0n, -1n, 4_102_444_800_000n, 10n ** 17n])(
    'have no time where it is %d, which is none of a trade',
    (ltt) => {
      const message = upstoxMessage({
        feeds: { 'NSE_EQ|A': { content: { case: 'ltpc', value: { ltp: 9, ltt } } } },
      });
      expect(readUpstoxMessage(message)).toEqual([{ key: 'NSE_EQ|A', price: 9 }]);
    },
  );
});

/** Of Dhan's packets, those that are some. */
const ticksOf = (read: readonly (Tick | DhanPacket)[]): readonly Tick[] =>
  read.flatMap((each) => ('key' in each ? [each] : each.kind === 'tick' ? [each.tick] : []));

describe.each([
  [
    'Kite',
    readKiteMessage,
    kiteMessage(kitePacket(408_065, 1573.15, 'depth'), kitePacket(779_521, 1, 'quote')),
  ],
  ['Dhan', readDhanMessage, Buffer.concat([dhanPacket(1594, 1573.15, 'depth'), dhanPacket(3045, 1, 'ltp')])],
  ['Upstox', readUpstoxMessage, upstoxTick('NSE_EQ|INE009A01021', 1573.15, 'full')],
] as const)('The decoder of %s', (_, read, good) => {
  const isSound = (message: Buffer): void => {
    // Whatever is read beyond the message would be of the bytes around it.
    const poisoned = Buffer.concat([Buffer.alloc(64, 0xff), message, Buffer.alloc(64, 0xff)]);
    const view = poisoned.subarray(64, 64 + message.length);
    expect(JSON.stringify(read(view))).toBe(JSON.stringify(read(Buffer.from(message))));
    for (const quote of ticksOf(read(view)))
      priceFrame({ broker: 'b', symbol: 's' }, 'depth', { price: 1, at: 0, stale: false, ...quote });
  };

  it('takes any bytes without an exception up to the frames, and reads none beyond them', () => {
    fc.assert(fc.property(bytes, isSound), { numRuns: 2_000 });
  });

  it('takes a good message that was cut off anywhere', () => {
    for (let length = 0; length <= good.length; length += 1) isSound(good.subarray(0, length));
  });

  it('takes a good message in which bytes were changed', () => {
    const changes = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 });
    fc.assert(
      fc.property(changes, (list) => {
        const message = Buffer.from(good);
        for (const [at, value] of list) message[at] = value;
        isSound(message);
      }),
      { numRuns: 2_000 },
    );
  });
});
