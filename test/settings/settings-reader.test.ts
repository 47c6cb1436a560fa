import { beforeEach, describe, expect, it } from 'vitest';
import { type CutoffCalendar, createCutoffCalendar } from '../../src/core/cutoff.ts';
import { DEFAULT_SETTINGS, type UserSettings } from '../../src/core/user-settings.ts';
import { createSettingsReader } from '../../src/settings/settings-reader.ts';
import type { StoredSettings } from '../../src/settings/settings-store.ts';
import { type Caches, createCaches } from '../../src/storage/caches.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';

const DARK: UserSettings = { ...DEFAULT_SETTINGS, theme: 'dark' };

describe('reading somebody’s settings', () => {
  let caches: Caches;
  let clock: SettableClock;
  let calendar: CutoffCalendar;
  let row: StoredSettings | undefined;
  let finds: number;
  let epoch: number;
  /** Happens while the row is on its way. */
  let meanwhile: () => void;

  beforeEach(() => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    calendar = createCutoffCalendar({ clock, cutoffTime: () => ({ hour: 3, minute: 0 }) });
    caches = createCaches({ clock, calendar });
    row = undefined;
    finds = 0;
    epoch = 0;
    meanwhile = () => undefined;
  });

  const save = (settings: UserSettings) => {
    row = { settings, version: (row?.version ?? 0) + 1, idleApplied: false };
    caches.of.settings.clearOwner('asha');
  };
  const reader = () =>
    createSettingsReader({
      caches,
      calendar,
      epochs: { current: async () => epoch },
      settingsStore: {
        async find() {
          finds += 1;
          const found = row;
          meanwhile();
          return found;
        },
        version: async () => row?.version,
      },
    }).read;

  it('asks the database once, and the cache from then on', async () => {
    save(DARK);
    const read = reader();
    expect(await read('asha')).toEqual(DARK);
    expect(await read('asha')).toEqual(DARK);
    expect(finds).toBe(1);
    expect(caches.of.settings.lookups).toEqual({ hits: 1, misses: 1 });
  });

  it('remembers also that somebody has chosen nothing', async () => {
    const read = reader();
    expect(await read('asha')).toEqual(DEFAULT_SETTINGS);
    expect(await read('asha')).toEqual(DEFAULT_SETTINGS);
    expect(finds).toBe(1);
  });

  it('reads anew after the cache was cleared', async () => {
    const read = reader();
    await read('asha');
    save(DARK);
    expect(await read('asha')).toEqual(DARK);
    caches.clearUser('asha');
    await read('asha');
    expect(finds).toBe(3);
  });

  it('keeps nothing that was changed while it was being read', async () => {
    const read = reader();
    meanwhile = () => {
      meanwhile = () => undefined;
      save(DARK);
    };
    expect(await read('asha')).toEqual(DARK);
    expect(caches.of.settings.size).toBe(0);
    expect(await read('asha')).toEqual(DARK);
    expect(caches.of.settings.size).toBe(1);
  });

  it.each([
    [
      'the account ends',
      () => {
        epoch += 1;
        caches.clearUser('asha');
      },
    ],
    [
      'the cutoff comes',
      () => {
        clock.set('2026-11-24T03:00:00+05:30');
        caches.clearAll();
      },
    ],
  ])('keeps nothing when %s while it is being read', async (_what, happens) => {
    save(DARK);
    const read = reader();
    meanwhile = () => {
      meanwhile = () => undefined;
      happens();
    };
    expect(await read('asha')).toEqual(DARK);
    expect(caches.of.settings.size).toBe(0);
  });

  it('keeps one person’s apart from another’s', async () => {
    save(DARK);
    const read = reader();
    await read('asha');
    await read('ravi');
    expect(finds).toBe(2);
    expect(caches.of.settings.size).toBe(2);
  });
});
