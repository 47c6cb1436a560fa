import type { CutoffCalendar } from '../core/cutoff.ts';
import { DEFAULT_SETTINGS, type UserSettings } from '../core/user-settings.ts';
import type { EpochStore } from '../revocation/epoch-store.ts';
import type { Caches } from '../storage/caches.ts';
import type { SettingsStore } from './settings-store.ts';

/** A person's settings; the defaults where nothing was chosen. */
export type ReadSettings = (userId: string) => Promise<UserSettings>;

export interface SettingsReader {
  /** Through the cache: for pages, whose people are signed in. */
  readonly read: ReadSettings;
  /** Past the cache: for questions about a user who may be signed out, and whose cache stays empty then. */
  readonly readNow: ReadSettings;
}

export interface SettingsReaderDeps {
  readonly settingsStore: Pick<SettingsStore, 'find' | 'version'>;
  readonly caches: Caches;
  readonly epochs: Pick<EpochStore, 'current'>;
  readonly calendar: CutoffCalendar;
}

/** A person has one set of them. */
const KEY = 'all';

export function createSettingsReader({
  settingsStore,
  caches,
  epochs,
  calendar,
}: SettingsReaderDeps): SettingsReader {
  const cache = caches.of.settings;

  async function readNow(userId: string): Promise<UserSettings> {
    return (await settingsStore.find(userId))?.settings ?? DEFAULT_SETTINGS;
  }

  /** Moves when the person saves, when their account ends, and at the cutoff. */
  async function stateOf(userId: string): Promise<string> {
    const [version, epoch] = await Promise.all([settingsStore.version(userId), epochs.current(userId)]);
    return `${version}:${epoch}:${calendar.last()}`;
  }

  /**
   * Looks once more after the cache has the copy. A change of one of these comes first and then clears the caches
   * afterwards: so either they clear what is set here, or this sees what they did.
   */
  async function read(userId: string): Promise<UserSettings> {
    const cached = cache.get(userId, KEY);
    if (cached !== undefined) return cached;
    const before = await stateOf(userId);
    const settings = await readNow(userId);
    cache.set(userId, KEY, settings);
    if ((await stateOf(userId)) === before) return settings;
    cache.delete(userId, KEY);
    return readNow(userId);
  }

  return { read, readNow };
}
