import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CutoffTime, createCutoffCalendar } from '../../src/core/cutoff.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import type { SignalRequest, SignalsAfter } from '../../src/core/signal.ts';
import { createEpochStore } from '../../src/revocation/epoch-store.ts';
import type { Database } from '../../src/storage/database.ts';
import { createSignalPolls, type SignalPolls } from '../../src/strategies/signal-polls.ts';
import { createSignalStore } from '../../src/strategies/signal-store.ts';
import { createSignalsAfter, MOST_WAITING } from '../../src/strategies/signals-after.ts';
import { addUser, moveEpoch, openMemory } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { addStrategy, MONDAY_MORNING, signalFor } from './strategy-world.ts';

describe('Reading the signals after a cursor', () => {
  let database: Database;
  let clock: SettableClock;
  let cutoffTime: CutoffTime;
  let polls: SignalPolls;
  let signalsAfter: SignalsAfter;
  let strategyId: string;

  beforeEach(async () => {
    database = await openMemory();
    clock = createSettableClock(MONDAY_MORNING);
    cutoffTime = { hour: 3, minute: 0 };
    polls = createSignalPolls(MOST_WAITING);
    signalsAfter = createSignalsAfter({
      signals: createSignalStore(database),
      polls,
      epochs: createEpochStore(database),
      calendar: createCutoffCalendar({ clock, cutoffTime: () => cutoffTime }),
      clock,
    });
    await addUser(database, 'asha');
    strategyId = await addStrategy(database, 'asha');
  });
  afterEach(() => database.close());

  const ask = (after: number, request: Partial<SignalRequest> = {}, userId = 'asha') =>
    signalsAfter(userId, after, { limit: 100, waitMs: 0, abort: new AbortController().signal, ...request });
  const LONG = { waitMs: 15_000 };

  async function send(receivedAt = clock.now()): Promise<void> {
    await createSignalStore(database).accept(signalFor('asha', strategyId, { receivedAt }));
    polls.wake('asha');
  }
  /** A poll that waits by the time this resolves. */
  async function wait(after = 0, request: Partial<SignalRequest> = LONG) {
    const before = polls.waiting;
    const reading = ask(after, request);
    await eventually(() => expect(polls.waiting).toBe(before + 1));
    return { reading };
  }

  it('answers at once where there are some, and without waiting where that was not asked for', async () => {
    expect(await ask(0)).toEqual({ kind: 'page', signals: [], cursor: 0, ended: 'timeout' });
    await send();
    await send();
    expect(await ask(0, LONG)).toMatchObject({
      signals: [{ cursor: 1 }, { cursor: 2 }],
      cursor: 2,
      ended: 'arrived',
    });
    expect(await ask(0, { limit: 1 })).toMatchObject({ signals: [{ cursor: 1 }], cursor: 1 });
    expect(await ask(2)).toMatchObject({ signals: [], cursor: 2 });
    expect(polls.waiting).toBe(0);
  });

  it('waits for the next one, and gets it as it comes', async () => {
    await send();
    const { reading } = await wait(1);
    const startedAt = performance.now();
    await send();
    expect(await reading).toMatchObject({ signals: [{ cursor: 2 }], cursor: 2, ended: 'arrived' });
    expect(performance.now() - startedAt).toBeLessThan(2000);
    expect(polls.waiting).toBe(0);
  });

  it('does not sleep through a signal that comes between its look and its wait', async () => {
    const slow = createSignalStore(database);
    const racing = createSignalsAfter({
      signals: {
        latestCursor: slow.latestCursor,
        async listAfter(...parameters) {
          const page = await slow.listAfter(...parameters);
          if (page.length === 0) await send();
          return page;
        },
      },
      polls,
      epochs: createEpochStore(database),
      calendar: createCutoffCalendar({ clock, cutoffTime: () => cutoffTime }),
      clock,
    });
    await send(MONDAY_MORNING - DAY_MS);
    const reading = racing('asha', 0, { limit: 10, abort: new AbortController().signal, ...LONG });
    expect(await reading).toMatchObject({ signals: [{ cursor: 2 }], ended: 'arrived' });
  });

  it('gives up when its time is over, or its client is gone', async () => {
    expect(await ask(0, { waitMs: 30 })).toMatchObject({ signals: [], ended: 'timeout' });
    const client = new AbortController();
    const { reading } = await wait(0, { ...LONG, abort: client.signal });
    client.abort();
    expect(await reading).toMatchObject({ ended: 'aborted' });
    expect(polls.waiting).toBe(0);
  });

  it('finds a signal at the end of its time, of which no message came', async () => {
    const reading = ask(0, { waitMs: 150 });
    await createSignalStore(database).accept(signalFor('asha', strategyId));
    expect(await reading).toMatchObject({ signals: [{ cursor: 1 }], ended: 'arrived' });
  });

  it('is not woken by other people’s signals', async () => {
    const { reading } = await wait();
    polls.wake('ravi');
    await send();
    expect(await reading).toMatchObject({ signals: [{ cursor: 1 }] });
  });

  it('ends at the cutoff, and hands over nothing of the day before', async () => {
    const { reading } = await wait();
    clock.set('2026-11-24T03:00:00+05:30');
    await send(MONDAY_MORNING);
    expect(await reading).toEqual({ kind: 'page', signals: [], cursor: 0, ended: 'cutoff' });
    expect(await ask(0)).toEqual({ kind: 'page', signals: [], cursor: 1, ended: 'timeout' });
    await send();
    expect(await ask(0)).toMatchObject({ signals: [{ cursor: 2 }] });
  });

  it('wakes at the cutoff by itself', async () => {
    clock.set('2026-11-24T02:59:59.900+05:30');
    const { reading } = await wait();
    clock.set('2026-11-24T03:00:00.000+05:30');
    expect(await reading).toMatchObject({ ended: 'cutoff' });
  });

  it('ends when everything of the person ends', async () => {
    const { reading } = await wait();
    await moveEpoch(database, 'asha');
    await send();
    expect(await reading).toEqual({ kind: 'page', signals: [], cursor: 0, ended: 'revoked' });
  });

  it('goes on waiting when only another device of theirs was signed out', async () => {
    const { reading } = await wait();
    polls.wake('asha');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(polls.waiting).toBe(1);
    await send();
    expect(await reading).toMatchObject({ ended: 'arrived' });
  });

  it('ends when the node closes, and waits little from then on', async () => {
    const { reading } = await wait();
    polls.close();
    expect(await reading).toMatchObject({ ended: 'closing' });
    const startedAt = performance.now();
    expect(await ask(0, LONG)).toMatchObject({ ended: 'closing' });
    const tookMs = performance.now() - startedAt;
    expect(tookMs).toBeGreaterThan(900);
    expect(tookMs).toBeLessThan(10_000);
    await send();
    expect(await ask(0, LONG)).toMatchObject({ ended: 'arrived' });
  });

  it('lets a bounded number of one person wait', async () => {
    const client = new AbortController();
    const request = { ...LONG, abort: client.signal };
    const waiting = [];
    for (let each = 0; each < MOST_WAITING; each += 1) waiting.push((await wait(0, request)).reading);
    expect(await ask(0, LONG)).toEqual({ kind: 'too_many_waiting', maximum: MOST_WAITING });
    expect(await ask(0)).toMatchObject({ kind: 'page' });
    await addUser(database, 'ravi');
    expect(await ask(0, { waitMs: 10 }, 'ravi')).toMatchObject({ kind: 'page', ended: 'timeout' });
    client.abort();
    await Promise.all(waiting);
    expect(await ask(0, { waitMs: 10 })).toMatchObject({ kind: 'page' });
  });

  it('says so when the cursor is ahead of everything', async () => {
    await send();
    expect(await ask(2)).toEqual({ kind: 'unknown_cursor', latest: 1 });
  });

  it('works where there is no cutoff', async () => {
    cutoffTime = 'off';
    await send(0);
    expect(await ask(0)).toMatchObject({ signals: [{ cursor: 1 }] });
    expect(await ask(1, { waitMs: 20 })).toMatchObject({ ended: 'timeout' });
  });
});
