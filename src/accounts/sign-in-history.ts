import { z } from 'zod';
import type { AuditEvent } from '../core/audit-event.ts';
import { readStoredJson } from '../storage/read-stored-json.ts';

/** The events of which a user's sign-in history is made. */
export const SIGN_IN_EVENTS = [
  'login.succeeded',
  'login.failed',
] as const satisfies readonly AuditEvent['type'][];

/** A row of the audit log. */
export interface RecordedSignIn {
  readonly at: number;
  readonly type: string;
  readonly address: string | null;
  /** JSON: the event. */
  readonly detail: string;
}

export interface SignInView {
  readonly at: number;
  readonly succeeded: boolean;
  /** `Signed in with a recovery code`. */
  readonly outcome: string;
  readonly program: string;
  readonly address: string;
}

/** Rows of former versions lack facts that an event has today. */
const eventSchema = z.object({
  program: z.string().default(''),
  method: z.string().default('password'),
  why: z.string().default(''),
});

const NO_DETAIL = { program: '', method: '', why: '' };

const METHODS: Readonly<Record<string, string>> = {
  password: 'Signed in with the password',
  totp: 'Signed in with password and app',
  recovery_code: 'Signed in with a recovery code',
  passkey: 'Signed in with a passkey',
};

const FAILURES: Readonly<Record<string, string>> = {
  credentials: 'Wrong password',
  code: 'Right password, wrong code',
  passkey: 'Passkey not accepted',
  disabled: 'Refused: account disabled',
  rate_limited: 'Refused: too many attempts',
};

export function toSignInView({ at, type, address, detail }: RecordedSignIn): SignInView {
  const { program, method, why } = readStoredJson(detail, eventSchema, NO_DETAIL);
  const succeeded = type === 'login.succeeded';
  const words = succeeded ? METHODS[method] : FAILURES[why];
  return {
    at,
    succeeded,
    outcome: words ?? (succeeded ? 'Signed in' : 'Sign-in failed'),
    program,
    address: address ?? '',
  };
}
