import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { HOUR_MS, SECOND_MS } from '../../src/core/duration.ts';
import type { Signal } from '../../src/core/signal.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { importKnownSymbols } from './known-symbols.ts';
import { MONDAY_MORNING } from './strategy-world.ts';
import { makeStrategy, STRATEGY_FORM, send } from './trader.ts';

/** Long before the wait would be over by itself; with time to spare for a busy machine. */
const SOON_MS = 8 * SECOND_MS;

const WAYS_TO_RUN = {
  'on Redis and Postgres': async () => ({
    DATABASE_URL: await createPostgresDatabase(),
    REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
  }),
  'on one SQLite file': async () => ({
    DATABASE_URL: `sqlite:${join(createScratchDirectory('two-nodes').path, 'curfew.db')}`,
  }),
} as const;

describe.each(Object.entries(WAYS_TO_RUN))('Two nodes %s', (_name, environment) => {
  let clock: SettableClock;
  let here: TestServer;
  let there: TestServer;
  let visitor: Visitor;
  let path: string;
  /** The webhook, as the other node serves it. */
  let webhookThere: string;
  let userId: string;

  beforeEach(async () => {
    clock = createSettableClock(MONDAY_MORNING);
    const env = {
      ...(await environment()),
      SESSION_IDLE_TIMEOUT: 'off',
      WEBHOOK_RATE_LIMIT: '10000/minute',
    };
    here = await startTestServer({ clock, env });
    there = await startTestServer({ clock, env });
    visitor = createVisitor(here.origin);
    await setUp(visitor);
    await signIn(visitor);
    await connectSandbox(visitor);
    await importKnownSymbols(here.services);
    const made = await makeStrategy(visitor);
    path = made.path;
    webhookThere = made.webhook.replace(here.origin, there.origin);
    userId = (
      await here.infrastructure.database.db.selectFrom('users').select('id').executeTakeFirstOrThrow()
    ).id;
  });
  afterEach(async () => {
    await Promise.all([here.close(), there.close()]);
  });

  let sent = 0;
  /** A signal like no other one, to the other node. */
  async function sendThere(text = 'BUY NSE:SBIN'): Promise<number> {
    sent += 1;
    const [action, symbol, quantity] = text.split(' ');
    return (await send(webhookThere, { action, symbol, quantity, id: sent })).status;
  }
  const press = (act: string, fields = {}) => visitor.submit(`${path}/${act}`, fields, path);
  const isCachedThere = () => there.services.caches.sizes().strategy === 1;

  async function readThere(after: number, waitMs = 15 * SECOND_MS) {
    const request = { limit: 100, waitMs, abort: new AbortController().signal };
    const reading = await there.services.strategies.signalsAfter(userId, after, request);
    if (reading.kind !== 'page') throw new Error(reading.kind);
    return reading;
  }
  /** Waits on the other node by the time this resolves. */
  async function waitThere(after = 0) {
    const reading = readThere(after);
    await eventually(async () =>
      expect(
        await there.services.metrics.getSingleMetricAsString('curfew_signal_requests_waiting'),
      ).toContain('curfew_signal_requests_waiting 1'),
    );
    return { reading };
  }

  it('switch a strategy on and off for the very next signal', async () => {
    for (let round = 0; round < 5; round += 1) {
      // The message of the last change may come late, and clears the cache once more.
      await eventually(async () => {
        expect(await sendThere()).toBe(200);
        expect(isCachedThere()).toBe(true);
      });
      await press('deactivation');
      expect(await sendThere()).toBe(409);
      await press('activation');
    }
    expect(await sendThere()).toBe(200);
  });

  it('do so when every message between them is lost', async () => {
    vi.spyOn(here.infrastructure.bus, 'publish').mockRejectedValue(new Error('lost'));
    // A message that is late drops the caches: then the next signal fills them again.
    await expect.poll(async () => [await sendThere(), isCachedThere()]).toEqual([200, true]);
    await press('deactivation');
    expect(await sendThere()).toBe(409);
    await press('activation');
    expect(await sendThere()).toBe(200);

    await press('allowed-addresses', { addresses: '203.0.113.7' });
    expect(await sendThere()).toBe(403);
    await press('allowed-addresses', { addresses: '' });
    expect(await sendThere()).toBe(200);
    await press('signing-secret');
    expect(await sendThere()).toBe(403);
    await press('signing-secret/removal');
    expect(await sendThere('BUY NSE:SBIN 10')).toBe(200);
    await visitor.submit(path, { ...STRATEGY_FORM, quantity: '5' }, `${path}/edit`);
    expect(await sendThere('BUY NSE:SBIN 10')).toBe(409);
    expect(await sendThere('BUY NSE:SBIN 5')).toBe(200);
    await press('webhook');
    expect(await sendThere()).toBe(404);
  });

  it('stop taking signals for a disabled person, and for a deleted strategy', async () => {
    expect(await sendThere()).toBe(200);
    await here.infrastructure.database.db.updateTable('users').set({ disabled: 1 }).execute();
    expect(await sendThere()).toBe(409);
    await here.infrastructure.database.db.updateTable('users').set({ disabled: 0 }).execute();
    expect(await sendThere()).toBe(200);
    await visitor.submit(`${path}/deletion`, {}, `${path}/deletion`);
    expect(await sendThere()).toBe(404);
  });

  it('hand a signal that came to one of them to a client that waits at the other', async () => {
    const { reading } = await waitThere();
    const startedAt = performance.now();
    await send(webhookThere.replace(there.origin, here.origin));
    expect(await reading).toMatchObject({ signals: [{ action: 'buy' }], ended: 'arrived' });
    expect(performance.now() - startedAt).toBeLessThan(SOON_MS);
  });

  it('find it at the end of the wait when the message was lost', async () => {
    vi.spyOn(here.infrastructure.bus, 'publish').mockRejectedValue(new Error('lost'));
    const reading = readThere(0, 400);
    await send(webhookThere.replace(there.origin, here.origin));
    expect(await reading).toMatchObject({ signals: [{ action: 'buy' }], ended: 'arrived' });
  });

  it('deliver every signal once and in order, whichever took it', async () => {
    const TOTAL = 40;
    const read: Signal[] = [];
    const reader = (async () => {
      for (let after = 0; read.length < TOTAL; ) {
        const page = await readThere(after);
        read.push(...page.signals);
        after = page.cursor;
      }
    })();
    const nodes = [webhookThere, webhookThere.replace(there.origin, here.origin)];
    // As TradingView does it: a busy database may answer 503, and what is sent again counts once.
    const deliver = async (node: string, id: string): Promise<number> => {
      const { status } = await send(node, { action: 'buy', id });
      if (status !== 503) return status;
      await sleep(500);
      return deliver(node, id);
    };
    const statuses = await Promise.all(
      Array.from({ length: TOTAL }, async (_, each) => {
        const node = nodes[each % 2] ?? '';
        return deliver(node, `order-${each}`);
      }),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    await reader;
    const cursors = read.map(({ cursor }) => cursor);
    expect(cursors).toEqual(cursors.toSorted((a, b) => a - b));
    expect(new Set(read.map(({ clientId }) => clientId)).size).toBe(TOTAL);
    expect(read).toHaveLength(TOTAL);
  }, 60_000);

  it('end what waits at the other one when the person logs out', async () => {
    const { reading } = await waitThere();
    const startedAt = performance.now();
    await visitor.submit('/auth/logout', {}, '/dashboard');
    expect(await reading).toMatchObject({ signals: [], ended: 'revoked' });
    expect(performance.now() - startedAt).toBeLessThan(SOON_MS);
    expect((await send(webhookThere)).body).toMatchObject({ error: 'broker_reauth_required' });
    expect(there.services.caches.sizes().strategy).toBe(0);
  });

  it('end what waits at the other one at the cutoff', async () => {
    clock.set('2026-11-24T02:00:00+05:30');
    const { reading } = await waitThere();
    clock.advance(HOUR_MS);
    const startedAt = performance.now();
    await here.services.revocation.sweep.runIfDue();
    expect(await reading).toMatchObject({ signals: [], ended: 'cutoff' });
    expect(performance.now() - startedAt).toBeLessThan(SOON_MS);
  });

  it('end what waits at the one that closes', async () => {
    const { reading } = await waitThere();
    there.services.draining.begin();
    expect(await reading).toMatchObject({ signals: [], ended: 'closing' });
  });
});
