import { statSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MINUTE_MS } from '../../../src/core/duration.ts';
import { IN_FULL_OF_ALL, SUMMARIES_OF_ALL } from '../../../src/http/refusal-sampler.ts';
import { createScratchDirectory } from '../../support/scratch-directory.ts';
import { createSettableClock } from '../../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';
import { NOON } from './traffic-entries.ts';

const MEGABYTE = 1024 * 1024;
const MINUTES = 10;
/** More than get an entry of their own in a minute: what comes beyond costs nothing, however much it is. */
const IN_A_MINUTE = 380;

const clock = createSettableClock(NOON);
let agent: Agent;
let server: TestServer;
let file: string;
let scratch: ReturnType<typeof createScratchDirectory>;

beforeEach(async () => {
  clock.set(NOON);
  agent = new Agent({ keepAlive: true, maxSockets: 16 });
  scratch = createScratchDirectory('flood');
  file = join(scratch.path, 'curfew.db');
  server = await startTestServer({
    clock,
    env: {
      DATABASE_URL: `sqlite:${file}`,
      PUBLIC_RATE_LIMIT: '1/hour',
      LOG_LEVEL: 'info',
      TRUST_PROXY: '127.0.0.1',
    },
  });
});
afterEach(async () => {
  agent.destroy();
  await server.close();
  scratch.remove();
});

const ask = (path: string, address: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const headers = { 'X-Forwarded-For': address };
    request(`${server.origin}${path}`, { agent, headers }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode ?? 0));
    })
      .once('error', reject)
      .end();
  });

const flood = (times: number, addressOf: (count: number) => string, path = '/') =>
  Promise.all(Array.from({ length: times }, (_, count) => ask(path, addressOf(count))));

const oneAddress = () => '203.0.113.7';
const newAddress = (count: number) => `2001:db8:${count.toString(16)}::1`;

async function costs() {
  await server.services.traffic.trafficLog.flush();
  const { db } = server.infrastructure.database;
  await sql`pragma wal_checkpoint(truncate)`.execute(db);
  const { rows, requests } = await db
    .selectFrom('traffic_log')
    .select(({ fn }) => [fn.countAll<number>().as('rows'), fn.sum<number>('requests').as('requests')])
    .executeTakeFirstOrThrow();
  return { rows, requests, bytes: statSync(file).size + server.logText().length };
}

it('costs less than 10 MB in ten minutes, however many requests one address sends, and each of them is counted', async () => {
  const before = await costs();
  for (let minute = 0; minute < MINUTES; minute += 1) {
    await flood(IN_A_MINUTE, oneAddress);
    clock.advance(MINUTE_MS);
  }
  const after = await costs();
  // Twenty in full, and one with the count of the others.
  expect(after.rows - before.rows).toBeLessThanOrEqual(MINUTES * 21 + 1);
  expect(after.requests - before.requests).toBe(MINUTES * IN_A_MINUTE);
  expect(after.bytes - before.bytes).toBeLessThan(MEGABYTE);
  const hours = await server.services.traffic.hourStore.since(NOON);
  expect(hours.reduce((sum, { requests }) => sum + requests, 0)).toBe(MINUTES * IN_A_MINUTE);
});

it('costs less than 10 MB in ten minutes, however many addresses send requests that are refused', async () => {
  const before = await costs();
  for (let minute = 0; minute < MINUTES; minute += 1) {
    await flood(IN_A_MINUTE, (count) => newAddress(minute * IN_A_MINUTE + count), '/api/v1/session');
    clock.advance(MINUTE_MS);
  }
  const after = await costs();
  expect(after.rows - before.rows).toBeLessThanOrEqual(MINUTES * (IN_FULL_OF_ALL + SUMMARIES_OF_ALL + 1));
  expect(after.requests - before.requests).toBe(MINUTES * IN_A_MINUTE);
  expect(after.bytes - before.bytes).toBeLessThan(10 * MEGABYTE);
});

it('writes not one row or line more for the next thousand of a minute', async () => {
  await flood(100, oneAddress);
  const before = await costs();
  await flood(1000, oneAddress);
  const after = await costs();
  expect(after).toEqual(before);
});

it('writes one row and one line with the count when the minute is over', async () => {
  await flood(100, oneAddress);
  await server.services.traffic.trafficLog.flush();
  clock.advance(MINUTE_MS);
  await server.services.traffic.trafficLog.flush();
  server.services.requestLog.summarise();
  const rows = await server.infrastructure.database.db
    .selectFrom('traffic_log')
    .selectAll()
    .orderBy('id')
    .execute();
  expect(rows.at(-1)).toMatchObject({
    path: '/',
    status: 429,
    requests: 79,
    address: '203.0.113.0/24',
  });
  const lines = server
    .logText()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(lines.at(-1)).toMatchObject({ msg: 'further requests refused', status: 429, requests: 79 });
});
