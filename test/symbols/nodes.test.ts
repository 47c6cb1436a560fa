import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Services } from '../../src/compose.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createScratchDirectory, type ScratchDirectory } from '../support/scratch-directory.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { KITE_HEADER } from './sample-master.ts';

const WAYS = [
  [
    'on Redis and Postgres',
    async () => ({
      DATABASE_URL: await createPostgresDatabase(),
      REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
    }),
  ],
  // As the command line stands beside the server.
  ['on one SQLite file', async (folder: string) => ({ DATABASE_URL: `sqlite:${join(folder, 'curfew.db')}` })],
] as const;

describe.each(WAYS)('two processes, %s', (_name, settingsFor) => {
  let scratch: ScratchDirectory;
  let one: TestServer;
  let other: TestServer;

  beforeAll(async () => {
    scratch = createScratchDirectory('nodes');
    const env = await settingsFor(scratch.path);
    one = await startTestServer({ env });
    other = await startTestServer({ env });
  });
  afterAll(async () => {
    await Promise.all([one.close(), other.close()]);
    scratch.remove();
  });

  async function importOn({ services }: TestServer, ...lines: string[]): Promise<void> {
    const path = join(scratch.path, 'instruments.csv');
    writeFileSync(path, [KITE_HEADER, ...lines].join('\n'));
    const begun = await services.symbols.importer.begin({
      fileName: path,
      broker: undefined,
      origin: { actor: 'cli' },
    });
    if (begun.kind === 'busy') throw new Error('busy');
    const handle = await open(path);
    expect(await begun.started.run(handle)).toMatchObject({ status: 'done' });
    await handle.close();
  }

  const lotOn = async ({ services }: TestServer, symbol: string) =>
    (await services.symbols.find('NSE', symbol))[0]?.lotSize;

  it('forget what they have cached when one of them has imported', async () => {
    await importOn(one, '1,1,INFY,INFOSYS,0,,,0.05,1,EQ,NSE,NSE');
    for (const node of [one, other]) {
      expect(await lotOn(node, 'INFY')).toBe(1);
      expect(await lotOn(node, 'TCS')).toBeUndefined();
      expect(node.services.caches.of.symbol.size).toBe(2);
    }
    await importOn(one, '1,1,INFY,INFOSYS,0,,,0.05,7,EQ,NSE,NSE', '2,2,TCS,TATA,0,,,0.05,9,EQ,NSE,NSE');
    expect(one.services.caches.of.symbol.size).toBe(0);
    while (other.services.caches.of.symbol.size > 0) await sleep(10);
    for (const node of [one, other]) {
      expect(await lotOn(node, 'INFY')).toBe(7);
      expect(await lotOn(node, 'TCS')).toBe(9);
    }
  });

  it.each<readonly [string, (services: Services) => Promise<unknown>]>([
    [
      'somebody’s end',
      ({ sessions: { lifecycle } }) => lifecycle.endAccount('asha', 'ended_by_admin', { actor: 'cli' }),
    ],
    ['the cutoff', ({ clock, revocation: { sweep } }) => sweep.run(clock.now(), { actor: 'system' })],
  ])('have nothing cached after %s on one of them', async (_what, end) => {
    for (const node of [one, other]) await lotOn(node, 'INFY');
    expect(other.services.caches.of.symbol.size).toBeGreaterThan(0);
    await end(one.services);
    expect(one.services.caches.of.symbol.size).toBe(0);
    while (other.services.caches.of.symbol.size > 0) await sleep(10);
  });

  it('count how well the cache works', async () => {
    const metrics = await fetch(`${one.origin}/metrics`);
    const text = await metrics.text();
    expect(text).toMatch(/curfew_cache_lookups_total\{cache="symbol",result="hit"\} \d+/);
    expect(text).toMatch(/curfew_cache_lookups_total\{cache="symbol",result="miss"\} [1-9]/);
    expect(text).toContain('curfew_symbols{broker="zerodha"} 2');
    expect(text).toMatch(/curfew_symbols_imported_timestamp_seconds\{broker="zerodha"\} \d{10}/);
  });
});
