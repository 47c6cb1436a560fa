import type { Request } from 'express';
import { z } from 'zod';
import type { AuditOrigin } from '../../core/audit-event.ts';
import { MOST_PASSKEYS } from '../second-factor/factor-store.ts';
import { readAttestation } from './passkey-answer.ts';
import { PASSKEY_EXPIRED } from './passkey-sign-in.ts';
import type { Passkeys, Registration } from './passkeys.ts';

const LONGEST_NAME = 60;

export const passkeyNameSchema = z.object({
  name: z
    .string({ error: 'Enter a name.' })
    .trim()
    .min(1, 'Enter a name.')
    .max(LONGEST_NAME, `Use at most ${LONGEST_NAME} characters.`),
});

export const newPasskeySchema = passkeyNameSchema.extend({
  sealed: z.string().max(2_048).default(''),
  credential: z.string().max(65_536).default(''),
});

export const REGISTRATION_PROBLEMS = {
  expired: PASSKEY_EXPIRED,
  refused: 'The passkey could not be added. Try again.',
  too_many: `You have ${MOST_PASSKEYS} passkeys. Remove one first.`,
} as const satisfies Record<Exclude<Registration['kind'], 'registered'>, string>;

/** Reads what the script put into the form, and stores the passkey. */
export async function registerFrom(
  req: Request,
  passkeys: Pick<Passkeys, 'register'>,
  purpose: 'register' | 'enrol',
  { name, sealed, credential }: z.infer<typeof newPasskeySchema>,
  {
    origin,
    ...owner
  }: {
    readonly userId: string;
    readonly passwordHash?: string;
    readonly origin: AuditOrigin;
  },
): Promise<Registration> {
  const attestation = readAttestation(credential);
  if (attestation === undefined) return { kind: 'refused' };
  return passkeys.register(req, purpose, { ...owner, name, sealed, attestation }, origin);
}
