import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createKnownAddressStore } from '../../src/bans/known-address-store.ts';
import { createKnownAddresses, type KnownAddresses, MOST_OF_ONE } from '../../src/bans/known-addresses.ts';
import { createProtectedAddresses } from '../../src/bans/protected-addresses.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { DATABASES } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';

const OFFICE = '203.0.113.9';
const NOW = Date.parse('2026-11-23T10:00:00+05:30');

async function rowsOf({ db }: Database) {
  const rows = await db
    .selectFrom('known_addresses')
    .selectAll()
    .orderBy('last_at')
    .orderBy('subject')
    .execute();
  return rows.map(({ subject, user_id, last_at }) => [subject, user_id, Number(last_at)]);
}

describe.each(DATABASES)('the table of known addresses on %s', (_name, open) => {
  let database: Database;
  beforeEach(async () => {
    database = await open();
  });
  afterEach(() => database.close());

  test('has each address of a person once, with the last time', async () => {
    const store = createKnownAddressStore(database);
    await store.put([{ subject: OFFICE, userId: 'asha', at: 1 }], 10);
    await store.put(
      [
        { subject: OFFICE, userId: 'ravi', at: 3 },
        { subject: OFFICE, userId: 'asha', at: 2 },
      ],
      10,
    );
    expect(await rowsOf(database)).toEqual([
      [OFFICE, 'asha', 2],
      [OFFICE, 'ravi', 3],
    ]);
  });

  test('finds those that were used after the instant', async () => {
    const store = createKnownAddressStore(database);
    await store.put([{ subject: OFFICE, userId: 'asha', at: 5 }], 10);
    await store.put([{ subject: OFFICE, userId: 'ravi', at: 5 }], 10);
    expect(await store.findAmong([OFFICE, '203.0.113.1'], 4)).toEqual([OFFICE]);
    expect(await store.findAmong([OFFICE], 5)).toEqual([]);
  });

  test('keeps the newest of a person, and takes nothing from others', async () => {
    const store = createKnownAddressStore(database);
    await store.put([{ subject: OFFICE, userId: 'asha', at: 1 }], 2);
    for (let turn = 1; turn <= 5; turn += 1)
      await store.put([{ subject: `10.0.0.${turn}`, userId: 'rover', at: turn + 1 }], 2);
    expect(await rowsOf(database)).toEqual([
      [OFFICE, 'asha', 1],
      ['10.0.0.4', 'rover', 5],
      ['10.0.0.5', 'rover', 6],
    ]);
  });

  test('is trimmed by age and by number', async () => {
    const store = createKnownAddressStore(database);
    for (let at = 1; at <= 6; at += 1)
      await store.put([{ subject: `10.0.0.${at}`, userId: `${at}`, at }], 10);
    await store.trim(2, 10);
    expect((await rowsOf(database)).map(([, , at]) => at)).toEqual([3, 4, 5, 6]);
    await store.trim(2, 2);
    expect((await rowsOf(database)).map(([, , at]) => at)).toEqual([5, 6]);
  });
});

describe('noting where people are signed in', () => {
  let database: Database;
  let clock: SettableClock;
  let known: KnownAddresses;
  let warnings: number;
  const put = vi.fn<ReturnType<typeof createKnownAddressStore>['put']>();

  beforeEach(async () => {
    database = await openDatabase({ dialect: 'sqlite', file: ':memory:' });
    clock = createSettableClock(NOW);
    warnings = 0;
    const store = createKnownAddressStore(database);
    put.mockReset().mockImplementation(store.put);
    const silent = () => undefined;
    const warn = () => {
      warnings += 1;
    };
    known = createKnownAddresses({
      knownStore: { ...store, put },
      protectedAddresses: createProtectedAddresses({ trustProxy: ['192.0.2.1'], clock }),
      clock,
      log: { debug: silent, info: silent, error: silent, warn },
    });
  });
  afterEach(() => database.close());

  const idle = () => eventually(() => expect(known.isIdle).toBe(true));

  test('a thousand requests in a day are one write, and the next day brings another', async () => {
    for (let count = 0; count < 1000; count += 1) known.note(OFFICE, 'asha');
    await idle();
    clock.advance(DAY_MS - 1);
    known.note(OFFICE, 'asha');
    await idle();
    expect(put).toHaveBeenCalledTimes(1);
    clock.advance(1);
    known.note(OFFICE, 'asha');
    await idle();
    expect(await rowsOf(database)).toEqual([[OFFICE, 'asha', NOW + DAY_MS]]);
  });

  test('an address counts as known for thirty days, also while nobody has tidied up', async () => {
    known.note(OFFICE, 'asha');
    await idle();
    clock.advance(30 * DAY_MS - 1);
    expect(await known.findAmong([OFFICE])).toEqual(new Set([OFFICE]));
    clock.advance(1);
    expect(await known.findAmong([OFFICE])).toEqual(new Set());
  });

  test('a proxy, the server itself and what is no address are not written', async () => {
    for (const subject of ['192.0.2.1', '127.0.0.1', 'unknown', '<script>']) known.note(subject, 'asha');
    await idle();
    expect(put).not.toHaveBeenCalled();
  });

  test('a sign-in is noted by its /64 where the address is one of IPv6', async () => {
    const event = {
      type: 'login.succeeded',
      userId: 'asha',
      device: '',
      program: '',
      known: false,
    } as const;
    await known.listener([event], { actor: 'asha', address: '2001:db8:1:2:3::4' });
    await idle();
    expect(await known.findAmong(['2001:db8:1:2::/64', '2001:db8:1:3::/64'])).toEqual(
      new Set(['2001:db8:1:2::/64']),
    );
  });

  test('what the database did not take is written at the next request, and the log has one line of it', async () => {
    put.mockRejectedValueOnce(new Error('away')).mockRejectedValueOnce(new Error('away'));
    for (let tries = 0; tries < 3; tries += 1) {
      known.note(OFFICE, 'asha');
      await idle();
    }
    expect(put).toHaveBeenCalledTimes(3);
    expect(warnings).toBe(1);
    expect(await known.findAmong([OFFICE])).toEqual(new Set([OFFICE]));
  });

  test('one person who rotates through addresses keeps a hundred of them', async () => {
    for (let turn = 0; turn < 3 * MOST_OF_ONE; turn += 1) {
      clock.advance(1);
      known.note(`2001:db8:0:${turn.toString(16)}::/64`, 'rover');
    }
    await idle();
    expect(await rowsOf(database)).toHaveLength(MOST_OF_ONE);
  });
});
