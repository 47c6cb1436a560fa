import { z } from 'zod';
import type { AppCredentials, BrokerAdapter } from './broker-adapter.ts';

/** Longer than any broker's keys, and short enough to be encrypted, stored and sent without a thought. */
const LONGEST = 500;

/** The credentials form of a broker: every field, in one line each. */
export function credentialForm({ credentialFields }: BrokerAdapter): z.ZodType<AppCredentials> {
  const fields = credentialFields.map(({ name, label }) => [name, credentialValue(label)] as const);
  return z.object(Object.fromEntries(fields));
}

function credentialValue(label: string) {
  return (
    z
      .string({ error: `Enter the ${label}.` })
      // Copying from the broker's page likes to take a space along.
      .trim()
      .min(1, `Enter the ${label}.`)
      .max(LONGEST, `This is too long for the ${label}.`)
      .regex(/^[\x21-\x7e]+$/, `The ${label} has letters, digits and signs only, and no spaces.`)
  );
}
