import type { AuditedValues, AuditLog, AuditOrigin } from '../core/audit-event.ts';
import type { Log } from '../core/log.ts';
import type { UserSettings } from '../core/user-settings.ts';
import type { InvalidateCached } from '../storage/cache-invalidator.ts';
import type { IdleLimits } from './idle-limits.ts';
import type { SettingsStore } from './settings-store.ts';

export interface ChangeSettingsDeps {
  readonly settingsStore: SettingsStore;
  readonly idleLimits: Pick<IdleLimits, 'apply'>;
  readonly invalidateCached: InvalidateCached;
  readonly audit: AuditLog;
  readonly log: Log;
}

/** `idle_pending`: all is stored, but the session store does not answer; the idle limit counts as soon as it does. */
export type SettingsChange = 'saved' | 'idle_pending';

export type ChangeSettings = (
  userId: string,
  change: { readonly before: UserSettings; readonly after: UserSettings },
  origin: AuditOrigin,
) => Promise<SettingsChange>;

export function createChangeSettings(deps: ChangeSettingsDeps): ChangeSettings {
  const { settingsStore, idleLimits, invalidateCached, audit, log } = deps;

  return async function changeSettings(userId, { before, after }, origin) {
    await settingsStore.save(userId, after);
    await invalidateCached('settings', userId);
    const what = namesOf(after).filter((name) => before[name] !== after[name]);
    if (what.length > 0) {
      const values = { before: valuesOf(before, what), after: valuesOf(after, what) };
      await audit.record({ type: 'settings.changed', userId, what, ...values }, origin);
    }
    try {
      await idleLimits.apply(userId);
      return 'saved';
    } catch (error) {
      log.warn({ err: error }, 'An idle limit is stored and will be applied when the session store answers');
      return 'idle_pending';
    }
  };
}

function valuesOf(settings: UserSettings, names: readonly (keyof UserSettings)[]): AuditedValues {
  return Object.fromEntries(names.map((name) => [name, settings[name] ?? null]));
}

function namesOf(settings: UserSettings): readonly (keyof UserSettings)[] {
  const all: Record<keyof UserSettings, unknown> = { ...settings };
  return Object.keys(all) as (keyof UserSettings)[];
}
