import { z } from 'zod';
import { BAN_LENGTHS } from '../core/ban-policy.ts';
import { readAllowedAddress } from '../http/allowed-address.ts';
import { readBanSubject } from './ban-subject.ts';

const LONGEST_NOTE = 200;
const ADDRESS_HINT = 'Enter one address, like 203.0.113.7 or 2001:db8::7.';

export const banNote = z
  .string()
  .trim()
  .max(LONGEST_NOTE, `Use at most ${LONGEST_NOTE} characters.`)
  .regex(/^[^\p{C}]*$/u, 'Use letters, digits and signs only.')
  .default('');

/** Any address of an IPv6 /64 stands for all of it. */
const subject = z
  .string({ error: ADDRESS_HINT })
  .max(60, ADDRESS_HINT)
  .transform((text, context) => {
    const read = readBanSubject(text);
    if (read !== undefined) return read;
    context.addIssue({ code: 'custom', message: ADDRESS_HINT });
    return z.NEVER;
  });

export const banLength = z.enum(BAN_LENGTHS, { error: 'Choose how long.' });

/** `confirmed` is what the second page adds. */
export const banForm = z
  .object({ address: subject, length: banLength, note: banNote, confirmed: z.string().optional() })
  .transform(({ address, confirmed, ...rest }) => ({
    ...rest,
    subject: address,
    isConfirmed: confirmed === 'yes',
  }));

export const liftForm = z
  .object({ forget: z.string().optional() })
  .transform(({ forget }) => ({ forget: forget === 'yes' }));

export const allowlistForm = z.object({
  block: z
    .string()
    .max(60, 'This is too long for an address.')
    .default('')
    .transform((text, context) => {
      const read = readAllowedAddress(text);
      if (read !== undefined) return read;
      const message =
        'Enter one address, like 203.0.113.7, or one block, like 203.0.113.0/28 (no wider than /8, or /32 of IPv6).';
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    }),
  note: banNote.refine((note) => note !== '', 'Enter whose address it is.'),
});
