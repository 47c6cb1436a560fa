import type { AuditEvent, AuditOrigin } from '../core/audit-event.ts';
import { deviceName } from '../sessions/device-view.ts';

/** A change to a user's protection, or a sign of a known password, as the user is told of it. */
export interface AccountChange {
  /** `account_reset`: by an administrator or on the command line. */
  readonly kind: 'account_changed' | 'account_reset';
  /** A sentence without its full stop: `A passkey was added`. It quotes no text that was typed, since it stands in mails. */
  readonly what: string;
  /** Consequence, or the next step. */
  readonly consequence?: string;
}

const ALL_ENDED = 'All sessions, API keys and broker connections have ended.';

const FACTORS_RESET: AccountChange = {
  kind: 'account_reset',
  what: 'An administrator removed your second factor and your recovery codes',
  consequence: 'Set up another one in your profile, or at your next sign-in.',
};

export const EMAIL_CHANGED: AccountChange = changed('The email address was changed');

/** Which recorded events a user is told of, on their pages and by mail: all in this one table. */
export function accountChangeOf(event: AuditEvent): AccountChange | undefined {
  switch (event.type) {
    case 'passkey.added':
      return changed('A passkey was added');
    case 'passkey.removed':
      return changed('A passkey was removed');
    case 'totp.enrolled':
      return changed('An authenticator app was set up');
    case 'totp.removed':
      return changed('The authenticator app was removed');
    case 'recovery_codes.renewed':
      return changed('New recovery codes were created', 'The former ones stop working.');
    case 'password.changed':
      return changed(
        'The password was changed',
        event.others === 'end'
          ? 'All other sessions, API keys and broker connections have ended.'
          : 'Other sessions, API keys and broker connections stay.',
      );
    case 'account.password_reset':
      return event.by === 'link'
        ? changed('The password was reset with a link', ALL_ENDED)
        : { kind: 'account_reset', what: 'An administrator set a new password for you' };
    case 'account.email_changed':
      return EMAIL_CHANGED;
    case 'login.failed':
      return event.passwordOnNewDevice ? changed('Your password was entered with a wrong code') : undefined;
    case 'totp.reset':
    case 'passkeys.reset':
      return FACTORS_RESET;
    default:
      return undefined;
  }
}

function changed(what: string, consequence?: string): AccountChange {
  return { kind: 'account_changed', what, ...(consequence === undefined ? {} : { consequence }) };
}

/** `, with Firefox on Linux, from 203.0.113.7`; '' for an administrator's act, whose device is not the user's business. */
export function howChanged({ kind }: AccountChange, { userAgent = '', address }: AuditOrigin): string {
  if (kind === 'account_reset') return '';
  return `, with ${deviceName(userAgent)}${address === undefined ? '' : `, from ${address}`}`;
}
