import type { BrokerAnswers } from './broker-answer.ts';
import type { RevocationReason } from './revocation.ts';

/** Why an order was given, as the heading over what it ended. */
export const RECEIPT_HEADINGS: Readonly<Record<RevocationReason, string>> = {
  logged_out: 'You signed out',
  logged_out_everywhere: 'You signed out everywhere',
  cutoff: 'The daily cutoff',
  idle: 'A session was not used',
  ended_by_owner: 'You ended a device',
  ended_by_admin: 'An administrator ended it',
  session_limit: 'The oldest device made room for a new one',
  password_changed: 'The password was changed',
  account_disabled: 'The account was disabled',
  role_changed: 'The role was changed to viewer',
  restored: 'A backup was restored',
  unreadable_session: 'A session could not be read',
};

/** The same for another reader. */
export const REVOCATION_TITLES: Readonly<Record<RevocationReason, string>> = {
  logged_out: 'Signed out',
  logged_out_everywhere: 'Signed out everywhere',
  cutoff: 'The daily cutoff',
  idle: 'Not used for too long',
  ended_by_owner: 'A device ended by its owner',
  ended_by_admin: 'Ended by an administrator',
  session_limit: 'One device too many',
  password_changed: 'Password changed',
  account_disabled: 'Account disabled',
  role_changed: 'Made a viewer',
  restored: 'A backup restored',
  unreadable_session: 'Stored session could not be read',
};

const STEPS: Readonly<Record<string, string>> = {
  broker_tokens: 'Broker tokens revoked in the database',
  sessions: 'Sessions ended in the store',
  caches: 'Cached values cleared',
  sockets: 'Live connections closed',
  broker_logout: 'Sign-out at the broker',
};

/** Label of a receipt's step. */
export const receiptStepWords = (step: string): string => STEPS[step] ?? step;

/** The six caches as people call what is in them. */
const CACHED: Readonly<Record<string, string>> = {
  auth: 'access tokens',
  feed: 'feed tokens',
  symbol: 'symbols',
  settings: 'settings',
  strategy: 'strategies',
  telegram: 'Telegram bots',
};

/** Detail of a step, with names in place of the words that programs use. Receipts of all ages are read by it. */
export function receiptDetailWords(
  step: string,
  detail: string,
  brokerName: (broker: string) => string,
): string {
  if (step === 'caches')
    return detail.replace(/\b([a-z]+) (\d+)/g, (whole, cache: string, count: string) =>
      cache in CACHED ? `${CACHED[cache]} ${count}` : whole,
    );
  if (step === 'broker_tokens')
    return detail.replace(
      /(^|, |× )([a-z]+) (access (?:and feed )?token)/g,
      (_, before: string, broker: string, what: string) => `${before}${brokerName(broker)}: ${what}`,
    );
  return detail;
}

const ANSWERS: Readonly<Record<BrokerAnswers['answer'], string>> = {
  signed_out: 'signed out',
  asked: 'asked, no answer yet',
  takes_none: 'takes no sign-out, its token ends there at its own limit',
  goes_on: 'gave the same token again, which is in use',
  failed: 'could not be told, and is not asked again',
};

/** A broker's answer, and the number of tokens where it was more than one. */
export function answerWords(
  { broker, answer, count }: BrokerAnswers,
  brokerName: (broker: string) => string,
): string {
  return `${brokerName(broker)} ${ANSWERS[answer]}${count === 1 ? '' : ` (${count} tokens)`}`;
}
