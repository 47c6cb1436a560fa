import { expect, it } from 'vitest';
import { HOUR_MS } from '../../src/core/duration.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn } from '../support/visitor.ts';
import { importKnownSymbols } from './known-symbols.ts';
import { MONDAY_MORNING } from './strategy-world.ts';
import { makeStrategy, send } from './trader.ts';

it('who knows the address of a webhook fills the audit log with twenty refusals an hour, and not with each', async () => {
  const clock = createSettableClock(MONDAY_MORNING);
  const server = await startTestServer({
    clock,
    env: { WEBHOOK_RATE_LIMIT: '1000/minute', SESSION_IDLE_TIMEOUT: 'off', SESSION_EXPIRY_TIME: 'off' },
  });
  const visitor = createVisitor(server.origin);
  await setUp(visitor);
  await signIn(visitor);
  await importKnownSymbols(server.services);
  const { webhook } = await makeStrategy(visitor, {}, { on: false });
  const countIn = async (table: 'audit_log' | 'signals') => {
    const rows = await server.infrastructure.database.db.selectFrom(table).select('id').execute();
    return rows.length;
  };
  const before = await countIn('audit_log');
  for (let each = 0; each < 30; each += 1)
    expect(await send(webhook, { action: 'buy' })).toMatchObject({ body: { reason: 'inactive' } });
  expect((await countIn('audit_log')) - before).toBe(20);
  expect(await countIn('signals')).toBe(30);
  clock.advance(HOUR_MS);
  await send(webhook, { action: 'buy' });
  expect((await countIn('audit_log')) - before).toBe(21);
  await server.close();
});
