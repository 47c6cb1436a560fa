import { z } from 'zod';
import { formatDuration, HOUR_MS, MINUTE_MS } from '../core/duration.ts';
import { DATE_FORMATS } from '../core/ist.ts';
import { ALERT_MINUTES, THEMES, type UserSettings } from '../core/user-settings.ts';
import { SHORTEST_OWN_IDLE_MS } from '../sessions/session-lifetime.ts';

/** Choices of the form. */
export interface SettingsChoices {
  /** In ms; see `idleChoices`. */
  readonly idleMs: readonly number[];
  /** Ids. */
  readonly brokers: readonly string[];
}

/** How the form says that the server's own limit, or order, is good enough. */
const AS_SERVER = 'server';

/** The texts that the form has for choices that are none. */
export const FORM_TEXTS = {
  alertMinutes: (minutes: number): string => String(minutes),
  idleTimeout: (ms: number | undefined): string => (ms === undefined ? AS_SERVER : formatDuration(ms)),
  defaultBroker: (id: string | undefined): string => id ?? AS_SERVER,
} as const;

/** Reads the settings form. Everything in it is a choice among what the page offered. */
export function settingsForm({ idleMs, brokers }: SettingsChoices): z.ZodType<UserSettings> {
  return z
    .object({
      theme: z.enum(THEMES, { error: 'Choose one of the themes.' }),
      dateFormat: z.enum(DATE_FORMATS, { error: 'Choose one of the date formats.' }),
      alertMinutes: oneOf(ALERT_MINUTES, FORM_TEXTS.alertMinutes, 'Choose when to be warned.'),
      idleTimeout: oneOf(
        [undefined, ...idleMs],
        FORM_TEXTS.idleTimeout,
        'Choose an idle limit that is shorter than the server’s.',
      ),
      defaultBroker: oneOf([undefined, ...brokers], FORM_TEXTS.defaultBroker, 'Choose one of the brokers.'),
    })
    .transform(({ idleTimeout, ...rest }) => ({ ...rest, idleTimeoutMs: idleTimeout }));
}

/** One of these values, in the text that the form has for it. */
function oneOf<T>(values: readonly T[], toText: (value: T) => string, error: string) {
  const choices = values.map((value) => ({ text: toText(value), value }));
  return z.unknown().transform((text, context): T => {
    const chosen = choices.find((choice) => choice.text === text);
    if (chosen !== undefined) return chosen.value;
    context.addIssue({ code: 'custom', message: error });
    return z.NEVER;
  });
}

const IDLE_CHOICES_MS: readonly number[] = [
  SHORTEST_OWN_IDLE_MS,
  10 * MINUTE_MS,
  15 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  4 * HOUR_MS,
  8 * HOUR_MS,
];

/**
 * The idle limits that a user may choose, in ms: those that are shorter than the server's, and the one that they have,
 * which stays theirs where the server's has become shorter since.
 */
export function idleChoices(serverMs: number | 'off', chosenMs: number | undefined): readonly number[] {
  const limitMs = serverMs === 'off' ? Number.POSITIVE_INFINITY : serverMs;
  return IDLE_CHOICES_MS.filter((ms) => ms < limitMs || ms === chosenMs);
}
