import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../src/core/user-settings.ts';
import { createIdleLimits, type IdleLimits } from '../../src/settings/idle-limits.ts';
import { createSettingsStore, type SettingsStore } from '../../src/settings/settings-store.ts';
import type { Database } from '../../src/storage/database.ts';
import { createRecordingLog } from '../broker/recording-log.ts';
import { addUser, openMemory } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';

const MINUTE_MS = 60_000;

describe('the idle limits that people chose', () => {
  let database: Database;
  let store: SettingsStore;
  let limits: IdleLimits;
  /** What the sessions of each person have, in the order in which it was given. */
  let given: [string, number | undefined][];
  let give: (userId: string) => Promise<void>;

  beforeEach(async () => {
    database = await openMemory();
    await addUser(database, 'asha');
    await addUser(database, 'ravi');
    store = createSettingsStore(database);
    given = [];
    give = async () => undefined;
    limits = createIdleLimits({
      settingsStore: store,
      registry: {
        async setIdleLimit(userId, ms) {
          await give(userId);
          given.push([userId, ms]);
        },
      },
      log: createRecordingLog(),
    });
  });
  afterEach(() => database.close());

  const choose = (userId: string, minutes: number | undefined) =>
    store.save(userId, {
      ...DEFAULT_SETTINGS,
      idleTimeoutMs: minutes === undefined ? undefined : minutes * MINUTE_MS,
    });

  it('are given to the sessions, and to each new one', async () => {
    await choose('asha', 10);
    await limits.apply('asha');
    expect(given).toEqual([['asha', 10 * MINUTE_MS]]);
    await limits.apply('asha');
    expect(given).toHaveLength(2);
    expect(await limits.applyDue()).toBe(0);
  });

  it('cost nothing where nobody chose one', async () => {
    await limits.apply('asha');
    await choose('ravi', undefined);
    await limits.apply('ravi');
    await limits.apply('ravi');
    expect(given).toEqual([['ravi', undefined]]);
  });

  it('are given later where the session store was away, until it is done', async () => {
    await choose('asha', 10);
    await choose('ravi', 20);
    give = async () => Promise.reject(new Error('Redis is away'));
    await expect(limits.apply('asha')).rejects.toThrow('away');
    await expect(limits.applyDue()).rejects.toThrow('away');
    give = async () => undefined;
    expect(await limits.applyDue()).toBe(2);
    expect(new Map(given)).toEqual(
      new Map([
        ['asha', 10 * MINUTE_MS],
        ['ravi', 20 * MINUTE_MS],
      ]),
    );
    expect(await limits.applyDue()).toBe(0);
  });

  it('end as the one that was saved last, however two changes overtake each other', async () => {
    await choose('asha', 10);
    give = async () => {
      give = async () => undefined;
      // The other one is through before this one is.
      await choose('asha', 5);
      await limits.apply('asha');
    };
    await limits.apply('asha');
    expect(given.at(-1)).toEqual(['asha', 5 * MINUTE_MS]);
    expect(await store.find('asha')).toMatchObject({ idleApplied: true });
  });

  it('are given once more when the session store came back, by the watch', async () => {
    await choose('asha', 10);
    await limits.apply('asha');
    limits.watch.start();
    try {
      await limits.reapplyAll();
      await eventually(() => expect(given).toHaveLength(2));
    } finally {
      await limits.watch.stop();
    }
    expect(await limits.applyDue()).toBe(0);
  });
});
