import { hash, randomBytes } from 'node:crypto';
import type { Request } from 'express';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { MINUTE_MS } from '../../core/duration.ts';
import type { KeyRing } from '../../storage/key-ring.ts';
import type { SingleUses } from '../../storage/single-use-store.ts';

/** Purpose of a challenge: an answer to one counts for no other. */
export type ChallengePurpose = 'sign_in' | 'confirm' | 'register' | 'enrol';

export const CHALLENGE_LIFETIME_MS = 5 * MINUTE_MS;
/** WebAuthn, 13.4.3, asks for 16 at least. */
const CHALLENGE_BYTES = 32;

export interface Challenge {
  /** base64url. */
  readonly challenge: string;
  /** The same, encrypted for this browser: the form brings it back, so nothing is stored for who only asks. */
  readonly sealed: string;
}

/** Challenges that a passkey signs: each counts once, over all nodes, for five minutes, in the browser that asked. */
export interface Challenges {
  issue(req: Request, purpose: ChallengePurpose): Challenge;
  /** Uses it up. Undefined where it was used, is too old, for another purpose, another browser's, or not of this server. */
  redeem(req: Request, purpose: ChallengePurpose, sealed: string): Promise<string | undefined>;
}

export interface ChallengesDeps {
  readonly keyRing: KeyRing;
  readonly singleUses: SingleUses;
  readonly clock: Clock;
}

const sealedSchema = z.object({
  challenge: z.string(),
  purpose: z.string(),
  browser: z.string(),
  /** Milliseconds since the epoch. */
  since: z.number(),
});

export function createChallenges({ keyRing, singleUses, clock }: ChallengesDeps): Challenges {
  const cipher = keyRing.forPurpose('passkey-challenge');

  return {
    issue(req, purpose) {
      const challenge = randomBytes(CHALLENGE_BYTES).toString('base64url');
      const content = { challenge, purpose, browser: browserOf(req), since: clock.now() };
      return {
        challenge,
        sealed: cipher.encrypt(JSON.stringify(content satisfies z.infer<typeof sealedSchema>)),
      };
    },

    async redeem(req, purpose, sealed) {
      const opened = cipher.decrypt(sealed);
      if (opened.kind !== 'ok') return undefined;
      const { challenge, browser, since, ...content } = sealedSchema.parse(JSON.parse(opened.text));
      if (content.purpose !== purpose || browser !== browserOf(req)) return undefined;
      // Where a clock was put back, it may have begun in the future: that makes it no younger.
      if (Math.abs(clock.now() - since) >= CHALLENGE_LIFETIME_MS) return undefined;
      const isFirst = await singleUses.use(`passkey-challenge:${challenge}`, since + CHALLENGE_LIFETIME_MS);
      return isFirst ? challenge : undefined;
    },
  };
}

/** The secret of a browser's forms, which its session has before and after a sign-in, and no other browser. */
function browserOf({ session }: Request): string {
  return hash('sha256', `curfew-passkey-browser:${session.csrfSecret ?? ''}`, 'base64url');
}
