import type { Request, Response } from 'express';
import type { AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { clientAddress } from '../http/client-address.ts';
import { currentSession } from '../sessions/current-session.ts';
import { isFresh } from '../sessions/reauthentication.ts';
import type { Authenticator } from './authenticator.ts';
import type { DeviceCookies } from './device-cookies.ts';
import { type LoginLimiter, withoutCountingFaults } from './login-limiter.ts';
import type { SecondFactor } from './second-factor/second-factor.ts';
import { usernameKey } from './username.ts';

export type Confirmation =
  /** With the hash that the password was checked against: for asking later whether it still stands. */
  | { readonly kind: 'confirmed'; readonly passwordHash: string }
  /** The password is wrong, or the code of a user who has a second factor. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number };

export interface ConfirmIdentityDeps {
  readonly authenticator: Authenticator;
  readonly secondFactor: Pick<SecondFactor, 'check'>;
  readonly limiter: LoginLimiter;
  readonly devices: DeviceCookies;
  readonly audit: AuditLog;
  readonly clock: Clock;
}

/** Whether it is still the person who signed in: by their password and a code where they have a second factor, limited as sign-ins are. Throws `unavailable` as they do. */
export function createConfirmIdentity({
  authenticator,
  secondFactor,
  limiter,
  devices,
  audit,
  clock,
}: ConfirmIdentityDeps) {
  return async function confirmIdentity(
    req: Request,
    res: Response,
    { password, code = '' }: { readonly password: string; readonly code?: string | undefined },
  ): Promise<Confirmation> {
    const { userId, username } = currentSession(req);
    const key = usernameKey(username);
    // A code that waits for its turn was good when it came.
    const at = clock.now();
    const device = await devices.recognise(req, key);
    const admission = await limiter.admit({ address: clientAddress(req), usernameKey: key, device });
    const origin = auditOrigin(req, res);
    if (admission.kind === 'limited') {
      if (admission.worthRecording)
        await audit.record({ type: 'identity.not_confirmed', userId, why: 'rate_limited' }, origin);
      return { kind: 'limited', retryAfterSeconds: admission.retryAfterSeconds };
    }
    const outcome = await withoutCountingFaults(admission, () =>
      authenticator.authenticate(username, password, 'known'),
    );
    if (outcome.kind === 'refused' || outcome.user.id !== userId) {
      const why = outcome.kind === 'refused' ? outcome.why : 'credentials';
      await audit.record({ type: 'identity.not_confirmed', userId, why }, origin);
      return { kind: 'refused' };
    }
    const factor = await withoutCountingFaults(admission, async () =>
      isFresh(req.session.passkeyAt, clock)
        ? { kind: 'none' as const }
        : secondFactor.check(userId, code, {
            isKnownDevice: async (since) => (await devices.recognise(req, key, since)) !== undefined,
            at,
            origin,
          }),
    );
    if (factor.kind === 'limited') {
      await audit.record({ type: 'identity.not_confirmed', userId, why: 'rate_limited' }, origin);
      return factor;
    }
    if (factor.kind === 'wrong') {
      await audit.record({ type: 'identity.not_confirmed', userId, why: 'code' }, origin);
      return { kind: 'refused' };
    }
    await admission.giveBack();
    req.session.provedAt = clock.now();
    if (factor.kind === 'accepted') req.session.factorAt = clock.now();
    await audit.record({ type: 'identity.confirmed', userId }, origin);
    return { kind: 'confirmed', passwordHash: outcome.passwordHash };
  };
}
