import { z } from 'zod';
import { DAY_MS } from '../core/duration.ts';
import { readAllowedAddress } from '../http/allowed-address.ts';
import { API_SCOPES } from './api-scope.ts';

const LONGEST_NAME = 60;
const TICK_ONE = 'Tick at least one thing that the key may do.';

/** Choices of the form; `never` has no number. */
export const EXPIRY_CHOICES = [
  { value: 'never', text: 'Never', lifetimeMs: undefined },
  { value: '7d', text: 'In 7 days', lifetimeMs: 7 * DAY_MS },
  { value: '30d', text: 'In 30 days', lifetimeMs: 30 * DAY_MS },
  { value: '90d', text: 'In 90 days', lifetimeMs: 90 * DAY_MS },
  { value: '365d', text: 'In a year', lifetimeMs: 365 * DAY_MS },
] as const;

const address = z
  .string()
  .trim()
  .max(60, 'This is too long for an address.')
  .default('')
  .transform((text, context) => {
    if (text === '') return undefined;
    const read = readAllowedAddress(text);
    if (read === undefined)
      context.addIssue({
        code: 'custom',
        message: 'Enter one address, like 203.0.113.7, or one block, like 203.0.113.0/28 (no wider than /8).',
      });
    return read;
  });

const addressFields = { primary: address, secondary: address };

/** The second address is the first one's stand-in. */
function refinePair(
  { primary, secondary }: { readonly primary?: string | undefined; readonly secondary?: string | undefined },
  context: z.RefinementCtx,
): void {
  if (secondary === undefined) return;
  if (primary === undefined)
    context.addIssue({ code: 'custom', path: ['primary'], message: 'Enter the primary address first.' });
  if (primary === secondary)
    context.addIssue({
      code: 'custom',
      path: ['secondary'],
      message: 'This is the primary address already.',
    });
}

/** From where a key may be used: both fields may be empty, and the key can then be used from anywhere. */
export const addressForm = z.object(addressFields).superRefine(refinePair).transform(withBoth);

/** A user's choices for a new key. `lifetimeMs` is undefined where it is not to expire. */
export const keyForm = z
  .object({
    name: z
      .string({ error: 'Enter a name.' })
      .trim()
      .min(1, 'Enter a name.')
      .max(LONGEST_NAME, `Use at most ${LONGEST_NAME} characters.`)
      .regex(/^[^\p{C}]+$/u, 'Use letters, digits and signs only.'),
    scopes: z
      .union([z.string(), z.array(z.string())], { error: TICK_ONE })
      .transform((ticked) => API_SCOPES.filter((scope) => [ticked].flat().includes(scope)))
      .refine((scopes) => scopes.length > 0, TICK_ONE),
    expiry: z
      .enum(
        EXPIRY_CHOICES.map(({ value }) => value),
        { error: 'Choose when the key expires.' },
      )
      .default('never'),
    ...addressFields,
  })
  .superRefine(refinePair)
  .transform(({ expiry, name, scopes, ...addresses }) => ({
    name,
    scopes,
    addresses: withBoth(addresses),
    lifetimeMs: EXPIRY_CHOICES.find(({ value }) => value === expiry)?.lifetimeMs,
  }));

function withBoth<A>({ primary, secondary }: { primary?: A | undefined; secondary?: A | undefined }) {
  return { primary, secondary };
}
