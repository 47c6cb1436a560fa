import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { MINUTE_MS } from '../core/duration.ts';
import { CLOCK_SKEW_TOLERANCE_MS } from '../core/expiry.ts';

/** How long a form may stay open before it has to be loaded again. */
const LIFETIME_MS = 30 * MINUTE_MS;

/** 192 bits from the system's CSPRNG (ASVS 7.2.3 asks for 128). */
const RANDOM_BYTES = 24;

/** `v.<which secret>.<issued at, ms, base 36>.<random>` */
const SHAPE = /^v\.([\w-]{8})\.([\da-z]{1,10})\.([\w-]{32})$/;

/**
 * A visitor's session is its id, signed in the cookie, and is stored nowhere: asking for forms all day costs no
 * row and no key, and a form is shown while the stores are away. All that such a session has to keep, the secret of its
 * forms, follows from the id and SESSION_SECRET, on every node. It is no sign-in: one gets an id of its own.
 */
export interface VisitorIds {
  /**
   * A new id; or, where the browser came with one of the last 30 minutes, that one with a new time: the forms that
   * other tabs show stay good, those that were shown before a new SESSION_SECRET among them.
   */
  issue(presented?: string): string;
  /** csurf's secret for the forms under an id that was issued here. Throws for any other. */
  formSecretOf(sid: string): string;
}

export interface VisitorIdsDeps {
  /** SESSION_SECRET, newest first. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
}

/** Throws without a secret. */
export function createVisitorIds({ secrets, clock }: VisitorIdsDeps): VisitorIds {
  const secretsByName = new Map(secrets.map((secret) => [nameOf(secret), secret]));
  const [newest] = secretsByName.keys();
  if (newest === undefined) throw new Error('The ids of visitors need a secret');

  /** A time ahead of this clock's is another node's, or from before the clock was put back. */
  function stillCounts({ name, issuedAt }: Parts): boolean {
    const age = clock.now() - issuedAt;
    return secretsByName.has(name) && age < LIFETIME_MS && age >= -CLOCK_SKEW_TOLERANCE_MS;
  }

  return {
    issue(presented = '') {
      const parts = read(presented);
      const { name, random } =
        parts !== undefined && stillCounts(parts)
          ? parts
          : { name: newest, random: randomBytes(RANDOM_BYTES).toString('base64url') };
      return `v.${name}.${clock.now().toString(36)}.${random}`;
    },
    formSecretOf(sid) {
      const parts = read(sid);
      const secret = parts === undefined ? undefined : secretsByName.get(parts.name);
      if (parts === undefined || secret === undefined) throw new Error('This is the id of no visitor');
      return digest(secret, `form:${parts.random}`);
    },
  };
}

interface Parts {
  readonly name: string;
  readonly issuedAt: number;
  readonly random: string;
}

function read(sid: string): Parts | undefined {
  const [, name, time, random] = SHAPE.exec(sid) ?? [];
  if (name === undefined || time === undefined || random === undefined) return undefined;
  return { name, issuedAt: Number.parseInt(time, 36), random };
}

/** An id's name for the secret that it was made with: enough to find it among a few, and nothing to find it by. */
function nameOf(secret: string): string {
  return digest(secret, 'name').slice(0, 8);
}

/** Begins with its purpose, so that no other signature made with the same secret can stand in for it. */
function digest(secret: string, text: string): string {
  return createHmac('sha256', secret).update(`curfew-visitor:${text}`).digest('base64url');
}
