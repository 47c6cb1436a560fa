import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { walkDay } from '../../../src/broker/feeds/price-walk.ts';
import { createSandboxFeed } from '../../../src/broker/feeds/sandbox-feed.ts';
import { createWalkedDays } from '../../../src/broker/feeds/walked-days.ts';
import type { Tick } from '../../../src/core/price-feed.ts';
import { createSettableClock } from '../../support/settable-clock.ts';

const NOON = '2026-11-23T12:00:00+05:30';

describe('The practice market', () => {
  let broker: Server;

  beforeAll(async () => {
    broker = createServer((_req, res) => void res.end('{"hours":"always"}')).listen(0, '127.0.0.1');
    await once(broker, 'listening');
  });
  afterAll(() => broker.close());

  it('tells of a hundred instruments at a time, and stops between them when it is left', async () => {
    const { port } = broker.address() as AddressInfo;
    const feed = createSandboxFeed({
      clock: createSettableClock(NOON),
      internalOrigin: () => `http://127.0.0.1:${port}`,
    });
    const told: (readonly Tick[])[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const stream = feed.connect(
      { token: 'token', credentials: {} },
      {
        onOpen: resolve,
        onTicks(ticks) {
          told.push(ticks);
          if (told.length === 4) stream.end();
        },
        onEnd: () => undefined,
      },
    );
    await promise;
    const keys = Array.from({ length: 450 }, (_, index) => `NSE:S${index}`);
    stream.subscribe(keys.slice(0, 50), 'ltp');
    stream.subscribe(keys.slice(50), 'depth');
    await expect.poll(() => told.length).toBe(4);
    await new Promise((done) => setTimeout(done, 50));
    expect(told.map(({ length }) => length).toSorted((a, b) => a - b)).toEqual([50, 100, 100, 100]);
    const [first, second] = [told.flat()[0], told.flat().find(({ key }) => key === 'NSE:S50')];
    expect(first).not.toHaveProperty('open');
    expect(second?.depth?.buy).toHaveLength(5);
  });

  it('has a high and a low that hold every price of the day, and begin anew at midnight', () => {
    const clock = createSettableClock(NOON);
    const days = createWalkedDays();
    let [high, low] = [0, Number.POSITIVE_INFINITY];
    for (let second = 0; second < 600; second += 7) {
      const quote = days.quote('NSE:INFY', clock.now());
      const { price = 0 } = quote;
      [high, low] = [Math.max(high, price, quote.high ?? 0), Math.min(low, price, quote.low ?? 0)];
      expect(quote).toMatchObject({ high, low });
      clock.advance(7_000);
    }
    clock.set('2026-11-24T00:00:00+05:30');
    const { open, close } = walkDay('NSE:INFY', clock.now());
    expect(days.quote('NSE:INFY', clock.now())).toMatchObject({
      price: open,
      open,
      high: open,
      low: open,
      close,
    });
  });
});
