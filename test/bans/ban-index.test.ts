import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAllowlistStore } from '../../src/bans/allowlist-store.ts';
import { readBanVersion } from '../../src/bans/ban-change-store.ts';
import { type BanIndex, createBanIndex } from '../../src/bans/ban-index.ts';
import { createBanRuleStore } from '../../src/bans/ban-rule-store.ts';
import { type BanStore, createBanStore } from '../../src/bans/ban-store.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import type { Database } from '../../src/storage/database.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';

const START = 1_764_000_000_000;
const SUBJECT = '203.0.113.1';

describe('the copy of the bans in memory', () => {
  let database: Database;
  let store: BanStore;
  let clock: SettableClock;
  let banIndex: BanIndex;
  let loads: number;

  beforeEach(async () => {
    database = await openDatabase({ dialect: 'sqlite', file: ':memory:' });
    store = createBanStore(database);
    clock = createSettableClock(START);
    loads = 0;
    banIndex = createBanIndex({
      banStore: {
        listAll(now) {
          loads += 1;
          return store.listAll(now);
        },
      },
      ruleStore: createBanRuleStore(database),
      allowlistStore: createAllowlistStore(database),
      readVersion: () => readBanVersion(database),
      clock,
    });
    await banIndex.load();
  });
  afterEach(() => database.close());

  const put = async (subject: string, until = START + DAY_MS) => {
    const order = { subject, reason: 'manual', note: '', bannedBy: 'asha', until } as const;
    const done = await store.put(order, clock.now());
    if (done === undefined) throw new Error('Nothing was stored');
    return done.version;
  };

  test('counts the bans in force, anew whenever one comes, goes or ends', async () => {
    expect(banIndex.countActive()).toBe(0);
    const version = await put(SUBJECT);
    await banIndex.follow(version, { subject: SUBJECT, until: START + DAY_MS });
    expect(banIndex.countActive()).toBe(1);
    const second = await put('203.0.113.2', START + 2 * DAY_MS);
    await banIndex.follow(second, { subject: '203.0.113.2', until: START + 2 * DAY_MS });
    expect(banIndex.countActive()).toBe(2);
    clock.set(START + DAY_MS);
    expect(banIndex.countActive()).toBe(1);
    await banIndex.follow(second + 1, { subject: '203.0.113.2', until: 'lifted' });
    expect(banIndex.countActive()).toBe(0);
  });

  test('follows a change without asking the database', async () => {
    const version = await put(SUBJECT);
    await banIndex.follow(version, { subject: SUBJECT, until: START + DAY_MS });
    expect(banIndex.isBanned(SUBJECT)).toBe(true);
    await banIndex.follow(version + 1, { subject: SUBJECT, until: 'lifted' });
    expect(banIndex.isBanned(SUBJECT)).toBe(false);
    expect(loads).toBe(1);
  });

  test('reads everything when a change is missing before the one that it hears of', async () => {
    await put('203.0.113.2');
    const version = await put(SUBJECT);
    await banIndex.follow(version, { subject: SUBJECT, until: START + DAY_MS });
    expect([SUBJECT, '203.0.113.2'].map((subject) => banIndex.isBanned(subject))).toEqual([true, true]);
    expect(loads).toBe(2);
  });

  test('a message that comes late undoes nothing', async () => {
    const first = await put(SUBJECT);
    const second = (await store.lift(SUBJECT, { forget: false }, START))?.version ?? 0;
    await banIndex.follow(second, { subject: SUBJECT, until: 'lifted' });
    await banIndex.follow(first, { subject: SUBJECT, until: 'permanent' });
    expect(banIndex.isBanned(SUBJECT)).toBe(false);
  });

  test('finds by itself what nobody told it, and looks no further when there is nothing', async () => {
    await put(SUBJECT);
    expect(banIndex.isBanned(SUBJECT)).toBe(false);
    await banIndex.refresh();
    await banIndex.refresh();
    expect(banIndex.isBanned(SUBJECT)).toBe(true);
    expect(loads).toBe(2);
  });

  test('what changes while it reads is not missed', async () => {
    const reading = banIndex.load();
    const version = await put(SUBJECT);
    await Promise.all([reading, banIndex.follow(version, { subject: SUBJECT, until: 'permanent' })]);
    expect(banIndex.isBanned(SUBJECT)).toBe(true);
  });

  test('nor what changes behind it while it reads for the first time', async () => {
    let told: Promise<void> | undefined;
    const fresh = createBanIndex({
      banStore: {
        async *listAll(now) {
          yield* store.listAll(now);
          if (told === undefined)
            told = fresh.follow(await put(SUBJECT), { subject: SUBJECT, until: START + DAY_MS });
        },
      },
      ruleStore: createBanRuleStore(database),
      allowlistStore: createAllowlistStore(database),
      readVersion: () => readBanVersion(database),
      clock,
    });
    await fresh.load();
    await told;
    expect(fresh.isBanned(SUBJECT)).toBe(true);
  });

  test('a ban ends in it by the clock, and is dropped afterwards', async () => {
    await put(SUBJECT);
    await banIndex.refresh();
    clock.advance(DAY_MS - 1);
    expect([banIndex.isBanned(SUBJECT), banIndex.countActive()]).toEqual([true, 1]);
    clock.advance(1);
    expect([banIndex.isBanned(SUBJECT), banIndex.countActive(), banIndex.size]).toEqual([false, 0, 1]);
    banIndex.tidy();
    expect(banIndex.size).toBe(0);
  });
});
