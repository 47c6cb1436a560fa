import type { Request, Response } from 'express';
import type { AuditLog } from '../../core/audit-event.ts';
import type { Clock } from '../../core/clock.ts';
import { auditOrigin } from '../../http/audit-origin.ts';
import { currentSession } from '../../sessions/current-session.ts';
import type { TryPasskey } from './passkey-attempt.ts';

export type PasskeyConfirmation =
  | { readonly kind: 'confirmed' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'expired' }
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number };

export type ConfirmByPasskey = (req: Request, res: Response) => Promise<PasskeyConfirmation>;

export interface ConfirmByPasskeyDeps {
  readonly tryPasskey: TryPasskey;
  readonly audit: AuditLog;
  readonly clock: Clock;
}

/** Whether it is still the user who signed in: by a passkey of theirs, which stands for password and code. */
export function createConfirmByPasskey({ tryPasskey, audit, clock }: ConfirmByPasskeyDeps): ConfirmByPasskey {
  return async function confirmByPasskey(req, res) {
    const { userId } = currentSession(req);
    const origin = auditOrigin(req, res);
    const outcome = await tryPasskey(req, res, 'confirm');
    if (outcome.kind === 'expired') return outcome;
    if (outcome.kind === 'limited') {
      if (outcome.worthRecording)
        await audit.record({ type: 'identity.not_confirmed', userId, why: 'rate_limited' }, origin);
      return outcome;
    }
    if (outcome.kind === 'refused' || outcome.user.id !== userId) {
      const why = outcome.kind === 'refused' ? outcome.why : 'passkey';
      await audit.record({ type: 'identity.not_confirmed', userId, why }, origin);
      return { kind: 'refused' };
    }
    const now = clock.now();
    req.session.provedAt = now;
    req.session.factorAt = now;
    req.session.passkeyAt = now;
    await audit.record({ type: 'identity.confirmed', userId }, origin);
    return { kind: 'confirmed' };
  };
}
