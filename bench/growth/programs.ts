import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createUserStore } from '../../src/accounts/user-store.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Database } from '../../src/storage/database.ts';
import { createStrategyStore } from '../../src/strategies/strategy-store.ts';
import { generateWebhookId, webhookDigest } from '../../src/strategies/webhook-id.ts';
import { connectSandbox, createVisitor, signIn } from '../../test/support/visitor.ts';
import { KITE_HEADER } from '../../test/symbols/sample-master.ts';
import { startChild } from '../child-process.ts';
import { BENCH_FOLDER } from '../folders.ts';
import { startCurfewWithPeople } from '../parts/guarded-page.ts';
import { addApiKey, openUrl, PASSWORD, usernameOf } from '../people.ts';
import { curfewSettings } from '../server.ts';
import type { ImportResult, SymbolOrder } from '../servers/importer.ts';
import { newSetup, type Setup } from '../setups.ts';
import type { Workshop } from '../workshop.ts';
import { type Growth, grow, type Line, quantile, timeEach } from './points.ts';

const SIZES = [1, 1_000];
const CALLS = 200;
const SETTINGS = { SANDBOX_BROKER: 'on', SANDBOX_MARKET: 'always', WEBHOOK_RATE_LIMIT: '1000000/minute' };
const MASTER = `${KITE_HEADER}\n779521,3045,SBIN,STATE BANK OF INDIA,0,,0,0.05,1,EQ,NSE,NSE\n`;

/** API keys and strategies of one person: asked with one after the other, so that each is the one used the longest ago. */
export async function growPrograms(growth: Growth, setup: Setup['name']): Promise<readonly Line[]> {
  const { workshop } = growth;
  return grow(growth, 'programs', setup, SIZES, async (size) => {
    const { env } = await newSetup(workshop, setup);
    const curfew = await startCurfewWithPeople(workshop, { name: setup, env }, { settings: SETTINGS });
    const visitor = createVisitor(curfew.origin);
    await signIn(visitor, { username: usernameOf(0), password: PASSWORD });
    await connectSandbox(visitor);
    await importMaster(workshop, env);
    const { keys, webhooks } = await addPrograms(env, size);

    const call = async (turn: number): Promise<void> => {
      const headers = { Authorization: `Bearer ${keys[turn % size]}` };
      const answer = await fetch(`${curfew.origin}/api/v1/session`, { headers });
      await expectOk(answer);
    };
    const signal = async (turn: number): Promise<void> => {
      // Another quantity each time: the same message twice is one signal.
      const body = JSON.stringify({ action: 'buy', symbol: 'NSE:SBIN', quantity: turn + 1 });
      const url = `${curfew.origin}/api/v1/webhooks/${webhooks[turn % size]}`;
      await expectOk(await fetch(url, { method: 'POST', body }));
    };
    // Each key's first check hashes; afterwards it is known.
    const first = await timeEach(size, call);
    const calls = await timeEach(Math.max(CALLS, size), call);
    const signals = await timeEach(Math.max(CALLS, size), signal);
    await workshop.stopStarted();
    return {
      'first API call with a key, p50 ms': quantile(first, 0.5),
      'API call, p50 ms': quantile(calls, 0.5),
      'webhook, p50 ms': quantile(signals, 0.5),
    };
  });
}

async function expectOk(answer: Response): Promise<void> {
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${answer.url} answered ${answer.status}: ${text}`);
}

async function importMaster(workshop: Workshop, env: Setup['env']): Promise<void> {
  const file = `${workshop.newDatabaseFile()}.csv`;
  writeFileSync(file, MASTER);
  const importer = startChild({
    module: join(BENCH_FOLDER, 'servers/importer.ts'),
    cpu: undefined,
    env: curfewSettings({ ...env, LOG_LEVEL: 'warn' }),
  });
  const { instruments } = await importer.ask<ImportResult>({ kind: 'import', file } satisfies SymbolOrder);
  await importer.stop();
  if (instruments !== 1) throw new Error('The instrument was not imported');
}

async function addPrograms(
  { DATABASE_URL }: Setup['env'],
  count: number,
): Promise<{ readonly keys: readonly string[]; readonly webhooks: readonly string[] }> {
  const database = await openUrl(DATABASE_URL);
  const user = await createUserStore({ database, clock: systemClock }).findByUsername(usernameOf(0));
  const userId = user?.id ?? '';
  const keys: string[] = [];
  const webhooks: string[] = [];
  for (let index = 0; index < count; index += 1) {
    keys.push(await addApiKey(database, userId));
    webhooks.push(await addStrategy(database, userId, index));
  }
  await database.close();
  return { keys, webhooks };
}

async function addStrategy(database: Database, userId: string, index: number): Promise<string> {
  const store = createStrategyStore(database);
  const [id, webhook, now] = [randomUUID(), generateWebhookId(), systemClock.now()];
  await store.add(
    {
      id,
      userId,
      name: `Strategy ${index}`,
      platform: 'python',
      broker: 'sandbox',
      symbols: [{ exchange: 'NSE', tradingSymbol: 'SBIN', quantity: 1_000_000, product: 'MIS' }],
      hours: { days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], opensAt: 0, closesAt: 24 * 60 },
      webhookDigest: webhookDigest(webhook),
      webhookId: 'not read',
    },
    now,
  );
  await store.setActive(userId, id, true, now);
  return webhook;
}
