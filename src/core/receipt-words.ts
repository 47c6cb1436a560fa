import type { RevocationReason } from './revocation.ts';

/** Why an order was given, as the heading over what it ended. */
export const RECEIPT_HEADINGS: Readonly<Record<RevocationReason, string>> = {
  logged_out: 'You signed out',
  logged_out_everywhere: 'You signed out everywhere',
  cutoff: 'The daily cutoff',
  idle: 'A session was not used',
  ended_by_owner: 'You ended a device',
  ended_by_admin: 'An administrator ended a session',
  session_limit: 'The oldest device made room for a new one',
  password_changed: 'The password was changed',
  account_disabled: 'The account was disabled',
};

const STEPS: Readonly<Record<string, string>> = {
  broker_tokens: 'Broker tokens revoked in the database',
  sessions: 'Sessions ended in the store',
  caches: 'Cached values cleared',
  broker_logout: 'Sign-out at the broker asked for',
};

/** What a step of a receipt has done. */
export const receiptStepWords = (step: string): string => STEPS[step] ?? step;
