import { formatIst } from '../core/ist.ts';
import type { MailDraft } from '../core/mail.ts';
import type { User } from './user-store.ts';

type Person = Pick<User, 'username' | 'email'>;
interface Link {
  readonly url: string;
  readonly expiresAt: number;
}

export function resetMail({ username, email }: Person, { url, expiresAt }: Link): MailDraft {
  return {
    to: email,
    kind: 'password_reset',
    subject: 'Reset your Curfew password',
    expiresAt,
    text: paragraphs(
      `Somebody asked for a new password for ${username}. If that was you, open this link and choose one:`,
      url,
      `It works once, until ${formatIst(expiresAt)}, on any device. Your second factor stays as it is.`,
      'If it was not you, ignore this mail: nothing has changed.',
    ),
  };
}

export function passwordChangedMail({ username, email }: Person, expiresAt: number): MailDraft {
  return {
    to: email,
    kind: 'account_changed',
    subject: 'Your Curfew password was changed',
    expiresAt,
    text: paragraphs(
      `The password of ${username} was changed by a reset link, and every session, API key and broker connection has ended.`,
      'If that was not you, tell an administrator at once.',
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

export function emailChangedMail(
  { username, email }: Person,
  newEmail: string,
  expiresAt: number,
): MailDraft {
  return {
    to: email,
    kind: 'account_changed',
    subject: 'Your Curfew email address was changed',
    expiresAt,
    text: paragraphs(
      `Mails for ${username} now go to ${newEmail}.`,
      'If that was not you, sign in, change it back and change your password.',
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

export function factorsResetMail({ username, email }: Person, expiresAt: number): MailDraft {
  return {
    to: email,
    kind: 'account_changed',
    subject: 'Your Curfew second factor was reset',
    expiresAt,
    text: paragraphs(
      `An administrator removed the second factor and the recovery codes of ${username}.`,
      'Set up another app at your next sign-in. If you did not ask for this, tell an administrator at once.',
    ),
  };
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
