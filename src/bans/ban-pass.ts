import type { Request } from 'express';
import { LRUCache } from 'lru-cache';
import { atMost } from '../core/at-most.ts';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import { createBatchedLimiter } from '../http/batched-limiter.ts';
import type { FindCredential, ShownCredential } from '../http/shown-credential.ts';

/** Whether a request from a banned address may come in all the same, because of what it shows. */
export type MayPass = (req: Request, subject: string) => Promise<boolean>;

/** One that was refused is not looked up again so long. */
const REFUSAL_KEPT_MS = 10 * SECOND_MS;
const REMEMBERED = 10_000;
/** Of made-up credentials that only a store can tell: so many of one address are looked up. */
const MOST_GUESSES = { points: 60, durationSeconds: MINUTE_MS / SECOND_MS };

/**
 * Lets pass what this server gave to a person or a program. What it never gave out is refused for the cost of a
 * signature. A genuine one that is over is looked up once in ten seconds, however often it is sent, and made-up ones of
 * the kind that has no signature so many times a minute. None of this uses up what a good one needs.
 */
export function createBanPass(credentials: readonly FindCredential[]): MayPass {
  const refused = new LRUCache<string, Promise<boolean>>({
    ...atMost(REMEMBERED),
    ttl: REFUSAL_KEPT_MS,
  });
  const passed = new LRUCache<string, true>(atMost(REMEMBERED));
  const guesses = createBatchedLimiter({ limits: [MOST_GUESSES], tallyOf: undefined });

  /** Those that come together share one answer; only a no is kept. */
  function judge(shown: ShownCredential): Promise<boolean> {
    const { id } = shown;
    const known = refused.get(id);
    if (known !== undefined) return known;
    const judging = shown.isGood();
    refused.set(id, judging);
    judging.then(
      (isGood) => isGood && refused.delete(id),
      () => refused.delete(id),
    );
    return judging;
  }

  return async function mayPass(req, subject) {
    const shown = firstOf(credentials, req);
    if (shown === undefined) return false;
    if (!shown.isGuessable) return judge(shown);
    if (!passed.has(shown.id) && guesses.take(subject).limited) return false;
    const isGood = await judge(shown);
    if (isGood) passed.set(shown.id, true);
    else passed.delete(shown.id);
    return isGood;
  };
}

function firstOf(credentials: readonly FindCredential[], req: Request): ShownCredential | undefined {
  for (const find of credentials) {
    const shown = find(req);
    if (shown !== undefined) return shown;
  }
  return undefined;
}
