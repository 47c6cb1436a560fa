import type { DateFormat } from './ist.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

/** How many minutes before the cutoff a person wants to be warned; 0 for not at all. */
export const ALERT_MINUTES = [0, 5, 10, 15, 30, 60] as const;
export type AlertMinutes = (typeof ALERT_MINUTES)[number];

/** A user's own choices. */
export interface UserSettings {
  readonly theme: Theme;
  readonly dateFormat: DateFormat;
  readonly alertMinutes: AlertMinutes;
  /** Milliseconds; counts where it is shorter than the server's limit. Undefined: the server's. */
  readonly idleTimeoutMs: number | undefined;
  /** The one that comes first; undefined for the server's order. */
  readonly defaultBroker: string | undefined;
}

export const DEFAULT_SETTINGS: UserSettings = {
  theme: 'system',
  dateFormat: 'words',
  alertMinutes: 5,
  idleTimeoutMs: undefined,
  defaultBroker: undefined,
};
