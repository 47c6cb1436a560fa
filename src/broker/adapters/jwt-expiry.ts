import { z } from 'zod';
import { SECOND_MS } from '../../core/duration.ts';

const claimsSchema = z.object({ exp: z.number().positive() });

/**
 * When a token says that it ends (RFC 7519, 4.1.4), in ms since the epoch; undefined where it is no JWT or does not say.
 * Nobody has checked its signature: it may make the time that a token counts shorter, and never longer.
 */
export function jwtExpiry(token: string): number | undefined {
  const [, claims = ''] = token.split('.');
  try {
    const parsed = claimsSchema.safeParse(JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')));
    return parsed.success ? parsed.data.exp * SECOND_MS : undefined;
  } catch {
    return undefined;
  }
}
