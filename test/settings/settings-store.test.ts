import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, type UserSettings } from '../../src/core/user-settings.ts';
import { createSettingsStore, type SettingsStore } from '../../src/settings/settings-store.ts';
import type { Database } from '../../src/storage/database.ts';
import { addUser, DATABASES, emptyTables } from '../support/databases.ts';

const CHOSEN: UserSettings = {
  theme: 'dark',
  dateFormat: 'iso',
  alertMinutes: 15,
  idleTimeoutMs: 600_000,
  defaultBroker: 'kite',
};

describe.each(DATABASES)('what people have chosen, on %s', (_name, open) => {
  let database: Database;
  let store: SettingsStore;

  beforeAll(async () => {
    database = await open();
    store = createSettingsStore(database);
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    await emptyTables(database);
    await addUser(database, 'asha');
    await addUser(database, 'ravi');
  });

  it('is nothing until they choose', async () => {
    expect(await store.find('asha')).toBeUndefined();
    expect(await store.version('asha')).toBeUndefined();
    expect(await store.listToApply(10)).toEqual([]);
  });

  it('comes back as it was saved, under a version that goes up', async () => {
    await store.save('asha', CHOSEN);
    expect(await store.find('asha')).toEqual({ settings: CHOSEN, version: 1, idleApplied: false });
    await store.save('asha', DEFAULT_SETTINGS);
    expect(await store.find('asha')).toMatchObject({ settings: DEFAULT_SETTINGS, version: 2 });
    expect(await store.version('asha')).toBe(2);
    expect(await store.find('ravi')).toBeUndefined();
  });

  it('is to be applied after each change, until it was, and only at that version', async () => {
    await store.save('asha', CHOSEN);
    await store.save('ravi', CHOSEN);
    expect([...(await store.listToApply(10))].sort()).toEqual(['asha', 'ravi']);
    expect(await store.listToApply(1)).toHaveLength(1);
    expect(await store.markApplied('asha', 1)).toBe(true);
    expect(await store.listToApply(10)).toEqual(['ravi']);
    expect(await store.find('asha')).toMatchObject({ idleApplied: true });
    await store.save('asha', CHOSEN);
    expect(await store.markApplied('asha', 1)).toBe(false);
    expect([...(await store.listToApply(10))].sort()).toEqual(['asha', 'ravi']);
  });

  it('is to be applied once more by those with an idle limit, when everything is', async () => {
    await store.save('asha', CHOSEN);
    await store.save('ravi', DEFAULT_SETTINGS);
    await store.markApplied('asha', 1);
    await store.markApplied('ravi', 1);
    await store.reopenAll();
    expect(await store.listToApply(10)).toEqual(['asha']);
  });

  it('is the default where a version of Curfew left a choice that this one does not know', async () => {
    await store.save('asha', CHOSEN);
    await database.db
      .updateTable('user_settings')
      .set({ theme: 'sepia', date_format: 'stardate', alert_minutes: 7 })
      .execute();
    const { theme, dateFormat, alertMinutes } = DEFAULT_SETTINGS;
    expect((await store.find('asha'))?.settings).toEqual({ ...CHOSEN, theme, dateFormat, alertMinutes });
  });

  it('goes with the person', async () => {
    await store.save('asha', CHOSEN);
    await database.db.deleteFrom('users').where('id', '=', 'asha').execute();
    expect(await store.find('asha')).toBeUndefined();
  });
});
