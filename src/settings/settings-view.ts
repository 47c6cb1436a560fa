import { describeDuration } from '../core/duration.ts';
import { DATE_FORMATS, formatIst } from '../core/ist.ts';
import { ALERT_MINUTES, THEMES, type UserSettings } from '../core/user-settings.ts';
import { FORM_TEXTS, type SettingsChoices } from './settings-form.ts';

export interface Option {
  /** As the form sends it. */
  readonly value: string;
  readonly label: string;
  readonly chosen: boolean;
}

/** One question of the form. */
export interface Question {
  readonly name: string;
  readonly label: string;
  readonly options: readonly Option[];
}

export interface SettingsViewDeps {
  readonly choices: SettingsChoices;
  /** Names by id. */
  readonly brokerNames: ReadonlyMap<string, string>;
  readonly serverIdleMs: number | 'off';
  /** For examples; ms since the epoch. */
  readonly now: number;
}

export type SettingsQuestions = Readonly<
  Record<'theme' | 'dateFormat' | 'alertMinutes' | 'idleTimeout' | 'defaultBroker', Question>
>;

/** The form, with what the user has chosen. */
export function toQuestions(settings: UserSettings, deps: SettingsViewDeps): SettingsQuestions {
  const { choices, brokerNames, serverIdleMs, now } = deps;
  return {
    theme: {
      name: 'theme',
      label: 'Theme',
      options: THEMES.map((theme) => ({
        value: theme,
        label: THEME_LABELS[theme],
        chosen: theme === settings.theme,
      })),
    },
    dateFormat: {
      name: 'dateFormat',
      label: 'Dates',
      options: DATE_FORMATS.map((format) => ({
        value: format,
        label: formatIst(now, format),
        chosen: format === settings.dateFormat,
      })),
    },
    alertMinutes: {
      name: 'alertMinutes',
      label: 'Warn me before the cutoff',
      options: ALERT_MINUTES.map((minutes) => ({
        value: FORM_TEXTS.alertMinutes(minutes),
        label: alertLabel(minutes),
        chosen: minutes === settings.alertMinutes,
      })),
    },
    idleTimeout: {
      name: 'idleTimeout',
      label: 'End my sessions when I do nothing for',
      options: [undefined, ...choices.idleMs].map((ms) => ({
        value: FORM_TEXTS.idleTimeout(ms),
        label: idleLabel(ms, serverIdleMs),
        chosen: ms === settings.idleTimeoutMs,
      })),
    },
    defaultBroker: {
      name: 'defaultBroker',
      label: 'First broker',
      options: [undefined, ...choices.brokers].map((id) => ({
        value: FORM_TEXTS.defaultBroker(id),
        label: id === undefined ? 'No preference' : (brokerNames.get(id) ?? id),
        chosen: id === settings.defaultBroker,
      })),
    },
  };
}

const THEME_LABELS: Readonly<Record<UserSettings['theme'], string>> = {
  system: 'As the device',
  light: 'Light',
  dark: 'Dark',
};

function alertLabel(minutes: number): string {
  if (minutes === 0) return 'Not at all';
  return minutes === 60 ? '1 hour before' : `${minutes} minutes before`;
}

function idleLabel(ms: number | undefined, serverMs: number | 'off'): string {
  if (ms === undefined)
    return serverMs === 'off'
      ? 'No limit (the server has none)'
      : `${describeDuration(serverMs)} (the server’s limit)`;
  return describeDuration(ms);
}
