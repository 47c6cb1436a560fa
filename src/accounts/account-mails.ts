import type { AuditOrigin } from '../core/audit-event.ts';
import { DAY_MS } from '../core/duration.ts';
import { formatIst } from '../core/ist.ts';
import type { MailDraft } from '../core/mail.ts';
import { type AccountChange, EMAIL_CHANGED, howChanged } from './account-changes.ts';
import type { User } from './user-store.ts';

type Person = Pick<User, 'username' | 'email'>;
interface Link {
  readonly url: string;
  readonly expiresAt: number;
}

export interface ChangeOccasion {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly origin: AuditOrigin;
  /** BASE_URL. */
  readonly publicOrigin: string;
}

export function resetMail({ username, email }: Person, { url, expiresAt }: Link): MailDraft {
  return {
    to: email,
    kind: 'password_reset',
    subject: 'Reset your Curfew password',
    expiresAt,
    text: paragraphs(
      `A password reset was requested for ${username}. If that was you, open this link and choose one:`,
      url,
      `It works once, until ${formatIst(expiresAt)}, on any device. Your second factor stays as it is.`,
      'If it was not you, ignore this mail: nothing has changed.',
    ),
  };
}

export function emailChangeMail({ username }: Person, newEmail: string, { url, expiresAt }: Link): MailDraft {
  return {
    to: newEmail,
    kind: 'email_confirmation',
    subject: 'Confirm your email address for Curfew',
    expiresAt,
    text: paragraphs(
      `${username} gave this address at Curfew. Open this link to confirm it:`,
      url,
      `It works once, until ${formatIst(expiresAt)}. If that was not you, ignore this mail.`,
    ),
  };
}

export function newDeviceMail(
  { username, email }: Person,
  { program, address, at }: { readonly program: string; readonly address: string; readonly at: number },
  { url, expiresAt }: Link,
): MailDraft {
  return {
    to: email,
    kind: 'new_device',
    subject: 'Sign-in to Curfew from a new device',
    expiresAt,
    text: paragraphs(
      `${username} signed in with ${program}, from ${address}, on ${formatIst(at)}.`,
      'If that was you, there is nothing to do. If not, end that session with this link, and change your password:',
      url,
    ),
  };
}

/** One for every change: what, when, by what kind of device, and what to do about it. */
export function accountChangedMail(
  { username, email }: Person,
  change: AccountChange,
  { at, origin, publicOrigin }: ChangeOccasion,
): MailDraft {
  const { what, consequence = '' } = change;
  return {
    to: email,
    kind: 'account_changed',
    subject: `Your Curfew account: ${what.charAt(0).toLowerCase()}${what.slice(1)}`,
    expiresAt: at + DAY_MS,
    text: paragraphs(
      `This is about the Curfew account ${username}.`,
      `${what} on ${formatIst(at)}${howChanged(change, origin)}. ${consequence}`.trimEnd(),
      ...adviceOn(change, publicOrigin),
    ),
  };
}

/** Advice for a user who did not make or request the change. */
function adviceOn({ kind, what }: AccountChange, publicOrigin: string): readonly string[] {
  if (kind === 'account_reset') return ['If you did not ask for this, tell an administrator at once.'];
  // A link to reset the password would go to the new address.
  if (what === EMAIL_CHANGED.what)
    return [
      'If that was not you, sign in, change it back and change your password. If you cannot, tell an administrator at once.',
    ];
  return [
    'If that was you, there is nothing to do. If not, choose a new password here, which ends every session:',
    `${publicOrigin}/auth/reset`,
    'Then remove each passkey that is not yours:',
    `${publicOrigin}/profile/passkeys`,
    'To end single sessions only:',
    `${publicOrigin}/sessions`,
  ];
}

export function invitationMail(email: string, invitedBy: string, { url, expiresAt }: Link): MailDraft {
  return {
    to: email,
    kind: 'invitation',
    subject: 'You are invited to Curfew',
    expiresAt,
    text: paragraphs(
      `${invitedBy} invites you to Curfew. Open this link and choose a username and a password:`,
      url,
      `It works once, until ${formatIst(expiresAt)}.`,
    ),
  };
}

const paragraphs = (...all: readonly string[]): string => `${all.join('\n\n')}\n`;
