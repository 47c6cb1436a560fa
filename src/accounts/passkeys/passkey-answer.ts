import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import { z } from 'zod';

const text = z.string().max(8_192);
const credential = {
  id: text,
  rawId: text,
  type: z.literal('public-key'),
  clientExtensionResults: z.object({}),
};

const assertionSchema = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: text,
    authenticatorData: text,
    signature: text,
    userHandle: text.optional(),
  }),
});

const attestationSchema = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: text,
    attestationObject: z.string().max(32_768),
    transports: z
      .array(z.string().regex(/^[a-z-]{1,20}$/))
      .max(10)
      .optional(),
  }),
});

/** The browser's answer after a passkey was used, as JSON in a form; undefined where it is none. */
export function readAssertion(json: unknown): AuthenticationResponseJSON | undefined {
  return read(assertionSchema, json) as AuthenticationResponseJSON | undefined;
}

/** The same after one was made. */
export function readAttestation(json: unknown): RegistrationResponseJSON | undefined {
  return read(attestationSchema, json) as RegistrationResponseJSON | undefined;
}

function read<T>(schema: z.ZodType<T>, json: unknown): T | undefined {
  if (typeof json !== 'string') return undefined;
  try {
    return schema.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}
