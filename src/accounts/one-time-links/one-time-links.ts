import type { Clock } from '../../core/clock.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../core/duration.ts';
import type { InTransaction } from '../../storage/change-in-transaction.ts';
import type { LinkStore, StoredLink } from './link-store.ts';
import { generateLinkToken, linkDigest } from './link-token.ts';

/** Effect, address and lifetime of each kind of link. */
export const LINK_PURPOSES = {
  password_reset: { path: '/auth/reset', lifetimeMs: 10 * MINUTE_MS },
  email_change: { path: '/auth/email', lifetimeMs: HOUR_MS },
  device_end: { path: '/auth/device', lifetimeMs: DAY_MS },
} as const satisfies Readonly<Record<string, { readonly path: string; readonly lifetimeMs: number }>>;
/** The subject of a link to reset a password that a recovery code made. */
export const BY_RECOVERY_CODE = 'recovery_code';

export type LinkPurpose = keyof typeof LINK_PURPOSES;

export interface CreatedLink {
  /** With the token, which is nowhere else: only its digest is stored. */
  readonly url: string;
  /** The same without BASE_URL. */
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Links that work once, on any device, for anyone who has them. */
export interface OneTimeLinks {
  create(purpose: LinkPurpose, userId: string, subject?: string): Promise<CreatedLink>;
  /** Undefined for one that is unknown, used or too old; a visitor does not learn which. */
  find(purpose: LinkPurpose, token: string): Promise<StoredLink | undefined>;
  /** Uses it up: one of several callers gets it. */
  use(purpose: LinkPurpose, token: string, within?: InTransaction): Promise<StoredLink | undefined>;
}

export interface OneTimeLinksDeps {
  readonly store: LinkStore;
  readonly clock: Clock;
  /** BASE_URL, and nothing that a request says of itself. */
  readonly publicOrigin: string;
}

export function createOneTimeLinks({ store, clock, publicOrigin }: OneTimeLinksDeps): OneTimeLinks {
  return {
    async create(purpose, userId, subject = '') {
      const { path, lifetimeMs } = LINK_PURPOSES[purpose];
      const token = generateLinkToken();
      const digest = linkDigest(purpose, token) ?? '';
      const expiresAt = clock.now() + lifetimeMs;
      await store.add({ digest, purpose, userId, subject, expiresAt }, clock.now());
      return { url: `${publicOrigin}${path}/${token}`, path: `${path}/${token}`, expiresAt };
    },

    async find(purpose, token) {
      const digest = linkDigest(purpose, token);
      return digest === undefined ? undefined : store.find({ digest, purpose }, clock.now());
    },

    async use(purpose, token, within) {
      const digest = linkDigest(purpose, token);
      return digest === undefined ? undefined : store.use({ digest, purpose }, clock.now(), within);
    },
  };
}
