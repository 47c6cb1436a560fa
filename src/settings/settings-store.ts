import { sql } from 'kysely';
import { DATE_FORMATS } from '../core/ist.ts';
import { ALERT_MINUTES, DEFAULT_SETTINGS, THEMES, type UserSettings } from '../core/user-settings.ts';
import type { Database } from '../storage/database.ts';
import type { UserSettingsTable } from '../storage/schema.ts';

export interface StoredSettings {
  readonly settings: UserSettings;
  /** Goes up with every change. */
  readonly version: number;
  /** Whether the person's sessions have the idle limit of this version. */
  readonly idleApplied: boolean;
}

/** Users' choices. A user without any has no row. */
export interface SettingsStore {
  find(userId: string): Promise<StoredSettings | undefined>;
  /** Undefined where nothing was chosen. */
  version(userId: string): Promise<number | undefined>;
  /** Its idle limit counts as not applied yet. */
  save(userId: string, settings: UserSettings): Promise<void>;
  /** False when something was saved since that version. */
  markApplied(userId: string, version: number): Promise<boolean>;
  /** Users whose sessions may still have another idle limit than they chose. */
  listToApply(limit: number): Promise<readonly string[]>;
  /** All who chose an idle limit of their own are to be applied once more. */
  reopenAll(): Promise<void>;
}

export function createSettingsStore({ db }: Database): SettingsStore {
  return {
    async find(userId) {
      const row = await db
        .selectFrom('user_settings')
        .selectAll()
        .where('user_id', '=', userId)
        .executeTakeFirst();
      return row === undefined ? undefined : toStored(row);
    },

    async version(userId) {
      const row = await db
        .selectFrom('user_settings')
        .select('version')
        .where('user_id', '=', userId)
        .executeTakeFirst();
      return row?.version;
    },

    async save(userId, settings) {
      const columns = toColumns(settings);
      await db
        .insertInto('user_settings')
        .values({ user_id: userId, ...columns, version: 1, idle_applied: 0 })
        .onConflict((conflict) =>
          conflict
            .column('user_id')
            .doUpdateSet((eb) => ({ ...columns, version: eb('user_settings.version', '+', 1) })),
        )
        .execute();
    },

    async markApplied(userId, version) {
      const { numUpdatedRows } = await db
        .updateTable('user_settings')
        .set({ idle_applied: version })
        .where('user_id', '=', userId)
        .where('version', '=', version)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },

    async listToApply(limit) {
      const rows = await db
        .selectFrom('user_settings')
        .select('user_id')
        // In the words of the index that answers it.
        .where(sql<boolean>`idle_applied <> version`)
        .limit(limit)
        .execute();
      return rows.map((row) => row.user_id);
    },

    async reopenAll() {
      await db
        .updateTable('user_settings')
        .set({ idle_applied: 0 })
        .where('idle_timeout_ms', 'is not', null)
        .execute();
    },
  };
}

function toColumns(settings: UserSettings) {
  return {
    theme: settings.theme,
    date_format: settings.dateFormat,
    alert_minutes: settings.alertMinutes,
    idle_timeout_ms: settings.idleTimeoutMs ?? null,
    default_broker: settings.defaultBroker ?? null,
  };
}

/** A choice that an older or newer version of Curfew knew, and this one does not, is the default. */
function toStored(row: UserSettingsTable): StoredSettings {
  return {
    settings: {
      theme: THEMES.find((theme) => theme === row.theme) ?? DEFAULT_SETTINGS.theme,
      dateFormat: DATE_FORMATS.find((format) => format === row.date_format) ?? DEFAULT_SETTINGS.dateFormat,
      alertMinutes:
        ALERT_MINUTES.find((minutes) => minutes === row.alert_minutes) ?? DEFAULT_SETTINGS.alertMinutes,
      idleTimeoutMs: row.idle_timeout_ms ?? undefined,
      defaultBroker: row.default_broker ?? undefined,
    },
    version: row.version,
    idleApplied: row.idle_applied === row.version,
  };
}
