import type { Request, Response } from 'express';
import { z } from 'zod';
import { auditOrigin } from '../../http/audit-origin.ts';
import { clientAddress } from '../../http/client-address.ts';
import type { DeviceCookies } from '../device-cookies.ts';
import { type LoginLimiter, withoutCountingFaults } from '../login-limiter.ts';
import type { Credentials, UserStore } from '../user-store.ts';
import { usernameKey } from '../username.ts';
import { readAssertion } from './passkey-answer.ts';
import type { Passkeys } from './passkeys.ts';

/** Fields that the script puts into its form. */
const attemptSchema = z.object({ sealed: z.string().max(2_048), credential: z.string().max(65_536) });

interface Attempted {
  /** The owner of the passkey; '' for an unknown passkey. */
  readonly username: string;
  readonly isKnownDevice: boolean;
}

export type PasskeyAttempt =
  | ({ readonly kind: 'accepted' } & Credentials)
  /** One answer for an unknown passkey, a wrong signature, a copy and a disabled account. */
  | ({ readonly kind: 'refused'; readonly why: 'passkey' | 'disabled' } & Attempted)
  | { readonly kind: 'expired' }
  | ({
      readonly kind: 'limited';
      readonly retryAfterSeconds: number;
      readonly worthRecording: boolean;
    } & Attempted);

export type TryPasskey = (
  req: Request,
  res: Response,
  purpose: 'sign_in' | 'confirm',
) => Promise<PasskeyAttempt>;

export interface TryPasskeyDeps {
  readonly passkeys: Pick<Passkeys, 'find' | 'check'>;
  readonly users: Pick<UserStore, 'findCredentialsById'>;
  readonly limiter: LoginLimiter;
  readonly devices: DeviceCookies;
}

/** Checks the passkey that a form brings, limited by address or known device as sign-ins are. Throws `unavailable` as they do. */
export function createTryPasskey({ passkeys, users, limiter, devices }: TryPasskeyDeps): TryPasskey {
  return async function tryPasskey(req, res, purpose) {
    const form = attemptSchema.safeParse(req.body).data;
    const assertion = readAssertion(form?.credential);
    if (form === undefined || assertion === undefined)
      return { kind: 'refused', why: 'passkey', username: '', isKnownDevice: false };
    const passkey = await passkeys.find(assertion.id);
    const owner = passkey === undefined ? undefined : await users.findCredentialsById(passkey.userId);
    const username = owner?.user.username ?? '';
    const device = owner === undefined ? undefined : await devices.recognise(req, usernameKey(username));
    const attempted = { username, isKnownDevice: device !== undefined };
    // By the passkey and not by the account: a passkey cannot be guessed, so its owner does not wait for strangers who guess passwords.
    const account = `passkey:${assertion.id}`;
    const admission = await limiter.admit({ address: clientAddress(req), usernameKey: account, device });
    if (admission.kind === 'limited') return { ...admission, ...attempted };
    if (passkey === undefined || owner === undefined)
      return { kind: 'refused', why: 'passkey', ...attempted };

    const { userHandle } = assertion.response;
    const isTheirs = userHandle === Buffer.from(passkey.userId).toString('base64url');
    if (!isTheirs && !(purpose === 'confirm' && userHandle === undefined))
      return { kind: 'refused', why: 'passkey', ...attempted };
    const check = await withoutCountingFaults(admission, () =>
      passkeys.check(req, purpose, { ...form, assertion, passkey }, auditOrigin(req, res, username)),
    );
    if (check.kind === 'expired') return check;
    if (check.kind === 'refused') return { kind: 'refused', why: 'passkey', ...attempted };
    if (owner.user.disabled) return { kind: 'refused', why: 'disabled', ...attempted };
    await admission.giveBack();
    return { kind: 'accepted', ...owner };
  };
}
