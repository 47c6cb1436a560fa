import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { importKnownSymbols } from '../strategies/known-symbols.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { issueKey } from './issue-key.ts';
import { asBrowser, openSocket, type SocketClient } from './socket-client.ts';

const ORIGIN = { actor: 'test' };
const MONDAY = '2026-11-23T10:00:00+05:30';

const isPrice = ({ type }: Record<string, unknown>) => type === 'price';

describe('Prices over a socket', () => {
  let clock: SettableClock;
  let server: TestServer;
  let asha: Visitor;
  let userId: string;
  const sockets: SocketClient[] = [];

  beforeAll(async () => {
    clock = createSettableClock(MONDAY);
    server = await startTestServer({ clock, env: { SOCKET_SUBSCRIPTIONS: '3' } });
    await setUp(createVisitor(server.origin));
    await importKnownSymbols(server.services);
    const { db } = server.infrastructure.database;
    ({ id: userId } = await db.selectFrom('users').select('id').executeTakeFirstOrThrow());
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    clock.set(MONDAY);
    asha = createVisitor(server.origin);
    await signIn(asha);
    await connectSandbox(asha);
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.close();
    await server.services.revocation.revoker.revokeAccount(userId, 'ended_by_admin', ORIGIN);
    await expect.poll(() => streams()).toEqual([]);
  });

  const streams = () => [...server.services.upstreams.all()];

  async function open(visitor = asha): Promise<SocketClient> {
    const socket = await openSocket(server.origin, asBrowser(server.origin, visitor.sessionCookie()));
    sockets.push(socket);
    return socket;
  }

  async function ask(socket: SocketClient, message: object): Promise<Record<string, unknown>> {
    const id = String(Math.random());
    socket.send({ v: 1, id, ...message });
    return socket.next((answer) => answer['id'] === id);
  }

  const subscribe = (socket: SocketClient, ...symbols: readonly string[]) =>
    ask(socket, { type: 'subscribe', symbols });

  it('come after the answer, in rupees and with the time of the price, and go on coming', async () => {
    const socket = await open();
    const answer = await subscribe(socket, 'NSE:INFY');
    expect(answer).toMatchObject({ type: 'ack', broker: 'sandbox' });
    const first = await socket.next(isPrice);
    expect(first).toEqual({
      v: 1,
      type: 'price',
      broker: 'sandbox',
      symbol: 'NSE:INFY',
      mode: 'ltp',
      time: expect.stringMatching(/^2026-11-23T10:00:0.*\+05:30$/),
      stale: false,
      price: expect.any(Number),
    });
    clock.advance(60_000);
    const later = await socket.next((message) => isPrice(message) && message['time'] !== first['time']);
    expect(later['price']).not.toBe(first['price']);
  });

  it('have the day’s figures in the mode quote, and the order book in the mode depth', async () => {
    const socket = await open();
    await ask(socket, { type: 'subscribe', symbols: ['nse:infy'], mode: 'quote' });
    const quote = await socket.next(isPrice);
    expect(quote).toMatchObject({ symbol: 'NSE:INFY', mode: 'quote', volume: expect.any(Number) });
    expect(quote).not.toHaveProperty('depth');
    expect(Number(quote['low'])).toBeLessThanOrEqual(Number(quote['high']));
    await ask(socket, { type: 'subscribe', symbols: ['NSE:INFY'], mode: 'depth' });
    const { depth } = await socket.next((message) => message['depth'] !== undefined);
    const { buy, sell } = depth as Record<'buy' | 'sell', { price: number }[]>;
    expect(buy).toHaveLength(5);
    expect(buy[0]?.price).toBeLessThan(sell[0]?.price ?? 0);
  });

  it('are the same for all who ask, and each of them gets what it asked for', async () => {
    const [first, second] = [await open(), await open()];
    await subscribe(first, 'NSE:INFY', 'NSE:SBIN');
    await ask(second, { type: 'subscribe', symbols: ['NSE:INFY'], mode: 'quote' });
    expect(streams()).toHaveLength(1);
    const of = (socket: SocketClient, symbol: string) =>
      socket.next((message) => message['symbol'] === symbol);
    const [infy, , same] = await Promise.all([
      of(first, 'NSE:INFY'),
      of(first, 'NSE:SBIN'),
      of(second, 'NSE:INFY'),
    ]);
    expect(same['price']).toBe(infy['price']);
    expect(second.messages.filter(({ symbol }) => symbol === 'NSE:SBIN')).toEqual([]);
    expect(infy).not.toHaveProperty('volume');
    expect(same).toHaveProperty('volume');
  });

  it.each([
    ['that no list has', ['NSE:INFY', 'NSE:NOSUCH'], 'not_found', 'symbols.1'],
    ['of several instruments', ['NSE:IMC1'], 'ambiguous', 'symbols.0'],
    ['without an exchange', ['INFY'], 'invalid', 'symbols.0'],
  ])('are refused of a symbol %s, by the field, and the socket stays', async (_, symbols, error, field) => {
    const socket = await open();
    expect(await subscribe(socket, ...symbols)).toMatchObject({ type: 'error', error, field });
    expect(streams()).toEqual([]);
    expect(await subscribe(socket, 'NSE:INFY')).toMatchObject({ type: 'ack' });
  });

  it.each([
    [{ type: 'subscribe', symbols: ['NSE:INFY'], mode: 'full' }, 'mode'],
    [{ type: 'subscribe', symbols: [] }, 'symbols'],
    [{ type: 'subscribe', symbols: ['NSE:INFY'], token: 'x' }, 'token'],
    [{ type: 'subscribe', symbols: ['NSE:INFY'], v: 2 }, 'v'],
  ])('are refused for %j with the field', async (message, field) => {
    expect(await ask(await open(), message)).toMatchObject({ type: 'error', error: 'invalid', field });
  });

  it('are refused of a broker that is not connected, unknown, or has none', async () => {
    const socket = await open();
    const from = (broker: string) => ask(socket, { type: 'subscribe', symbols: ['NSE:INFY'], broker });
    expect(await from('zerodha')).toMatchObject({ error: 'broker_reauth_required' });
    expect(await from('nobody')).toMatchObject({ error: 'not_found' });
    await asha.submit('/broker/sandbox/disconnection', {}, '/broker');
    expect(await subscribe(socket, 'NSE:INFY')).toMatchObject({ error: 'broker_reauth_required' });
  });

  it('are limited in number over all sockets of the user, and what is given back can be used again', async () => {
    const [first, second] = [await open(), await open()];
    await subscribe(first, 'NSE:INFY', 'NSE:SBIN');
    expect(await subscribe(second, 'NSE:INFY')).toMatchObject({ type: 'ack' });
    expect(await subscribe(second, 'NSE:SBIN')).toMatchObject({
      type: 'error',
      error: 'rate_limited',
      field: 'symbols',
    });
    await ask(first, { type: 'unsubscribe', symbols: ['NSE:SBIN'] });
    expect(await subscribe(second, 'NSE:SBIN')).toMatchObject({ type: 'ack' });
    first.close();
    await expect.poll(async () => (await subscribe(second, 'NFO:NIFTY26DEC25000CE'))['type']).toBe('ack');
  });

  it('end with their subscription, and the stream with the last one', async () => {
    const [first, second] = [await open(), await open()];
    await subscribe(first, 'NSE:INFY');
    await subscribe(second, 'NSE:INFY');
    await ask(first, { type: 'unsubscribe', symbols: ['nse:infy', 'NSE:SBIN'] });
    expect(streams()).toHaveLength(1);
    const heard = first.messages.length;
    clock.advance(5_000);
    await second.next((message) => isPrice(message) && String(message['time']).includes('10:00:05'));
    expect(first.messages).toHaveLength(heard);
    second.close();
    await expect.poll(streams).toEqual([]);
  });

  it('end with a revocation, which its receipt says', async () => {
    const { key } = await issueKey(server, userId);
    const program = await openSocket(server.origin, { 'X-API-Key': key });
    await subscribe(program, 'NSE:INFY');
    await program.next(isPrice);
    const [stream] = streams();
    const receipt = await server.services.revocation.revoker.revokeAccount(userId, 'ended_by_admin', ORIGIN);
    expect(receipt.lines.at(-1)).toMatchObject({
      step: 'sockets',
      count: 1,
      detail: 'on this server with a price stream; all others were told',
    });
    expect(stream?.state).toBe('ended');
    expect(await program.closed).toMatchObject({ code: 4401 });
  });

  it('are not subscribed to by a socket whose session is over, though no message said so', async () => {
    const socket = await open();
    await server.infrastructure.database.db
      .insertInto('user_epochs')
      .values({ user_id: userId, epoch: 99 })
      .onConflict((conflict) => conflict.column('user_id').doUpdateSet({ epoch: 99 }))
      .execute();
    socket.send({ v: 1, type: 'subscribe', id: 'late', symbols: ['NSE:INFY'] });
    expect(await socket.closed).toMatchObject({ code: 4401, reason: 'revoked' });
    expect(streams()).toEqual([]);
  });

  it('grow old when the broker is disconnected, and come back by themselves when it is connected again', async () => {
    const socket = await open();
    await subscribe(socket, 'NSE:INFY');
    await socket.next(isPrice);
    await asha.submit('/broker/sandbox/disconnection', {}, '/broker');
    expect(await socket.next((message) => message['stale'] === true)).toMatchObject({ symbol: 'NSE:INFY' });
    expect(streams().map(({ state }) => state)).toEqual(['waiting']);
    const heard = socket.messages.length;
    await connectSandbox(asha);
    await expect
      .poll(() =>
        socket.messages.slice(heard).some((message) => isPrice(message) && message['stale'] === false),
      )
      .toBe(true);
  });

  it('grow old at the instant at which the token does', async () => {
    const socket = await open();
    await subscribe(socket, 'NSE:INFY');
    await socket.next(isPrice);
    clock.advance(3_600_000);
    for (const stream of streams()) stream.tend();
    await socket.next((message) => message['stale'] === true);
    expect(streams().map(({ state }) => state)).toEqual(['waiting']);
  });

  it('end the connection where the broker knows the token no more', async () => {
    const { db } = server.infrastructure.database;
    await db.updateTable('sandbox_tokens').set({ revoked_at: clock.now() }).execute();
    const socket = await open();
    await subscribe(socket, 'NSE:INFY');
    expect(await socket.next((message) => message['event'] === 'broker_rejected')).toMatchObject({
      broker: 'sandbox',
    });
    expect(await subscribe(socket, 'NSE:SBIN')).toMatchObject({ error: 'broker_reauth_required' });
  });
});

describe('The practice market', () => {
  it('rests outside the hours of the exchange, unless it is asked to trade at any hour', async () => {
    for (const [hours, isMoving] of [
      ['market', false],
      ['always', true],
    ] as const) {
      const clock = createSettableClock('2026-11-22T12:00:00+05:30');
      const server = await startTestServer({ clock, env: { SANDBOX_MARKET: hours } });
      try {
        const asha = createVisitor(server.origin);
        await setUp(asha);
        await signIn(asha);
        await connectSandbox(asha);
        const socket = await openSocket(server.origin, asBrowser(server.origin, asha.sessionCookie()));
        // Without any list of instruments each name is one.
        socket.send({ v: 1, type: 'subscribe', id: '1', symbols: ['NSE:INFY'] });
        await socket.next(isPrice);
        clock.advance(5_000);
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        const times = new Set(socket.messages.filter(isPrice).map(({ time }) => time));
        expect(times.size > 1).toBe(isMoving);
        socket.close();
      } finally {
        await server.close();
      }
    }
  });
});
