import type { WhyNotConnected } from './connection.ts';

/** Why a broker is not connected, as a person reads it: without a full stop, since some places go on. */
export const ENDING_LABELS = {
  not_connected: 'Not connected',
  cutoff: 'Expired at the cutoff',
  expired_at_broker: 'Ended by the broker at its own time limit',
  unreadable: 'The stored connection could not be read',
  rejected: 'Rejected by the broker',
  refused_by_broker: 'The broker refused to renew the connection',
  disconnected: 'Disconnected',
  replaced: 'Replaced by a newer connection',
  logged_out: 'Ended when you logged out',
  logged_out_everywhere: 'Ended when you logged out everywhere',
  idle: 'Ended with your session, which was idle for too long',
  ended_by_owner: 'Ended when you ended your sessions',
  ended_by_admin: 'Ended by an administrator',
  session_limit: 'Ended with your session when too many were open',
  password_changed: 'Ended when your password changed',
  account_disabled: 'Ended when the account was disabled',
  role_changed: 'Ended when the role was changed to viewer',
  restored: 'Ended when a backup was restored',
  unreadable_session: 'Ended with your session, which could not be read',
  ended_meanwhile: 'Dropped, because your session ended while you were connecting',
  ended: 'Ended with your last session',
} as const satisfies Record<WhyNotConnected, string>;

/** Advice, where a user may not think of it. */
const ADVICE: Partial<Record<WhyNotConnected, string>> = {
  cutoff: 'Connect again for the new trading day.',
  expired_at_broker: 'Connect again.',
  unreadable: 'Connect again.',
  rejected: 'Connect again.',
  refused_by_broker: 'Connect again.',
};

/** The whole of it, for a page. */
export function describeEnding(why: WhyNotConnected): string {
  const advice = ADVICE[why];
  return advice === undefined ? ENDING_LABELS[why] : `${ENDING_LABELS[why]}. ${advice}`;
}
