import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createBanHitStore } from '../../src/bans/ban-hit-store.ts';
import { type BanHits, createBanHits } from '../../src/bans/ban-hits.ts';
import { DEFAULT_BAN_RULES } from '../../src/bans/default-ban-rules.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { eventually } from '../support/eventually.ts';
import { createSettableClock } from '../support/settable-clock.ts';

const STRANGER = '203.0.113.1';
const SHARED = '203.0.113.99';

describe('counting what leads to a ban', () => {
  let database: Database;
  let hits: BanHits;
  let banned: string[];
  let warnings: number;
  beforeEach(async () => {
    database = await openDatabase({ dialect: 'sqlite', file: ':memory:' });
    banned = [];
    warnings = 0;
    const silent = () => undefined;
    const warn = () => {
      warnings += 1;
    };
    hits = createBanHits({
      sharedSenders: [SHARED],
      hitStore: createBanHitStore(database),
      banIndex: {
        rules: () => DEFAULT_BAN_RULES,
        isAllowed: () => false,
        isBanned: (each) => banned.includes(each),
      },
      protectedAddresses: {
        whyProtected: (subject) => (subject === '127.0.0.1' ? 'loopback' : undefined),
      },
      knownAddresses: { findAmong: async () => new Set() },
      throttle: { begin: silent, takeWait: () => undefined },
      banOffender: async (subject) => void banned.push(subject),
      clock: createSettableClock(0),
      log: { debug: silent, info: silent, error: silent, warn },
    });
  });
  afterEach(() => database.close());

  const rows = async () => {
    const { db } = database;
    const { count } = await db
      .selectFrom('ban_hits')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    return Number(count);
  };
  const idle = () => eventually(() => expect(hits.isIdle).toBe(true));

  test('is done when it says so, and the ban is there then', async () => {
    for (let count = 0; count < 10; count += 1) hits.note('invalid_api_keys', STRANGER);
    expect(hits.settled('203.0.113.2')).toBeUndefined();
    while (!hits.isIdle) await hits.settled(STRANGER);
    expect(banned).toEqual([STRANGER]);
    expect(hits.settled(STRANGER)).toBeUndefined();
  });

  test('nothing is held against an address that everybody sends through', async () => {
    for (let count = 0; count < 50; count += 1) hits.note('suspicious_paths', SHARED);
    expect(hits.isIdle).toBe(true);
    expect(await rows()).toBe(0);
  });

  test('a flood of addresses fills neither the memory nor the table, and what was left out is counted', async () => {
    for (let index = 0; index < 20_000; index += 1)
      hits.note('suspicious_paths', `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`);
    await idle();
    expect(await rows()).toBeLessThanOrEqual(501);
    expect(hits.lost()).toBe(20_000 - (await rows()));
  });

  test('one address that does it a thousand times at once costs as many rows as a ban takes', async () => {
    for (let count = 0; count < 1000; count += 1) hits.note('suspicious_paths', STRANGER);
    await idle();
    expect(await rows()).toBeLessThanOrEqual(21);
    expect(banned).toContain(STRANGER);
  });

  test('what is no address, cannot be banned or is banned already is not counted', async () => {
    for (const address of ['unknown', '<script>', '127.0.0.1']) hits.note('invalid_api_keys', address);
    banned.push(STRANGER);
    hits.note('invalid_api_keys', STRANGER);
    expect(hits.isIdle).toBe(true);
    expect([...hits.counted.values()]).toEqual([0, 0]);
  });

  test('a database that is away costs the count and nobody’s request', async () => {
    await database.db.schema.dropTable('ban_hits').execute();
    hits.note('invalid_api_keys', STRANGER);
    await hits.settled(STRANGER);
    await idle();
    expect([hits.lost(), warnings]).toEqual([1, 1]);
    hits.note('invalid_api_keys', STRANGER);
    await idle();
    expect(hits.lost()).toBe(2);
  });
});
