import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { secretDigest } from '../../src/broker/secret-digest.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { connectFake, createFakeBroker } from '../broker/fake-broker.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';

const MORNING = '2026-11-20T09:15:00+05:30';

describe('The brokers on the dashboard', () => {
  let clock: SettableClock;
  let server: TestServer;
  let visitor: Visitor;

  beforeEach(() => {
    clock = createSettableClock(MORNING);
  });
  afterEach(() => server.close());

  async function start(options: Parameters<typeof startTestServer>[0] = {}): Promise<void> {
    server = await startTestServer({ clock, ...options });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
  }
  const cardsOn = async (path: string): Promise<readonly string[]> => {
    const { text } = await visitor.get(path);
    return [...text.matchAll(/aria-labelledby="broker-([^"]+)"/g)].map(([, id = '']) => id);
  };

  it('are those that can be used; the others are on the page of brokers', async () => {
    await start();
    expect(await cardsOn('/dashboard')).toEqual(['sandbox']);
    expect(await cardsOn('/broker')).toEqual(['sandbox', 'zerodha', 'upstox', 'fyers', 'dhan']);
    const keys = { apiKey: 'the-api-key', apiSecret: 'the-api-secret' };
    await visitor.submit('/broker/upstox/credentials', keys, '/broker/upstox/credentials');
    expect(await cardsOn('/dashboard')).toEqual(['sandbox', 'upstox']);
    await connectSandbox(visitor);
    expect(await cardsOn('/dashboard')).toEqual(['sandbox', 'upstox']);
  });

  it('lead to the page of brokers when there are none', async () => {
    await start({ env: { SANDBOX_BROKER: 'off' } });
    expect(await cardsOn('/dashboard')).toEqual([]);
    const { text } = await visitor.get('/dashboard');
    expect(text).toMatch(/No broker is set up for you yet\. <a href="\/broker">/);
    expect(text).not.toContain('SANDBOX_BROKER');
  });

  it('are also those that want attention although their app keys are gone', async () => {
    const field = { name: 'apiKey', label: 'API key', secret: false, help: 'Beside the app.' };
    const { adapter } = createFakeBroker(clock);
    await start({ adapters: [{ ...adapter, description: '', credentialFields: [field] }] });
    expect((await visitor.get('/broker')).text).not.toContain('<p class="soft"></p>');
    const page = '/broker/fake/credentials';
    await visitor.submit(page, { apiKey: 'the-api-key' }, page);
    await connectFake(visitor);
    expect((await visitor.get('/dashboard')).text).toContain('state-connected');

    const { id } = await server.infrastructure.database.db
      .selectFrom('users')
      .select('id')
      .executeTakeFirstOrThrow();
    await server.services.brokers.reportRejected(id, 'fake', {
      tokenDigest: secretDigest('fake-access-1'),
    });
    await visitor.submit(`${page}/removal`, {}, page);
    expect((await visitor.get('/dashboard')).text).toContain('state-rejected');
    // Nobody wants to read for ever of what a broker did last year.
    clock.advance(20 * DAY_MS);
    await server.services.revocation.sweep.runIfDue();
    await signIn(visitor);
    expect(await cardsOn('/dashboard')).toEqual([]);
    expect(await cardsOn('/broker')).toEqual(['fake']);
  });
});
