import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/clock.ts';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import type { Role } from '../core/role.ts';
import type { IdentityKey } from './identity-key.ts';

/** The user behind a request, as a tool is told. */
export interface Identity {
  readonly userId: string;
  readonly username: string;
  readonly role: Role;
  /** When the session or key ends at the latest, in ms since the epoch; Infinity where it does not. */
  readonly endsAt: number;
}

export type IdentityHeaders = Readonly<Record<string, string>>;

export interface IdentityIssuer {
  /** The headers for one tool, by its origin. */
  headersFor(identity: Identity, audience: string): Promise<IdentityHeaders>;
  /** The public keys, newest first (RFC 7517). */
  jwks(): Promise<{ readonly keys: readonly object[] }>;
}

export interface IdentityIssuerDeps {
  /** ENCRYPTION_KEY, newest first. */
  readonly encryptionKeys: readonly string[];
  /** BASE_URL: the issuer. */
  readonly publicOrigin: string;
  readonly emailOf: (userId: string) => Promise<string | undefined>;
  readonly clock: Clock;
}

/** All of them. What a client sends under these names must never reach a tool. */
export const IDENTITY_HEADERS = [
  'Remote-User',
  'Remote-Groups',
  'Remote-Email',
  'X-Curfew-Session-Ends',
  'X-Curfew-Identity',
] as const;

const SIGNED_FOR_SECONDS = 60;

/** An address is the former one so long after it was changed; asking for it costs no statement meanwhile. */
const EMAIL_KEPT_MS = MINUTE_MS;
const EMAILS_KEPT = 10_000;

export function createIdentityIssuer(deps: IdentityIssuerDeps): IdentityIssuer {
  const { encryptionKeys, publicOrigin, emailOf, clock } = deps;
  let derived: Promise<readonly IdentityKey[]> | undefined;
  const emails = new LRUCache<string, { readonly email: string }>({ max: EMAILS_KEPT, ttl: EMAIL_KEPT_MS });

  /** Not before the first tool asks, with what signs: the command line and servers without a gateway need neither. */
  const identityKeys = () =>
    (derived ??= import('./identity-key.ts').then(({ deriveIdentityKeys }) =>
      deriveIdentityKeys(encryptionKeys),
    ));

  async function findEmail(userId: string): Promise<string> {
    const known = emails.get(userId);
    if (known !== undefined) return known.email;
    const email = (await emailOf(userId)) ?? '';
    emails.set(userId, { email });
    return email;
  }

  async function sign({ userId, username, role, endsAt }: Identity, email: string, audience: string) {
    const [key] = await identityKeys();
    if (key === undefined) throw new RangeError('There is no encryption key.');
    const now = Math.floor(clock.now() / SECOND_MS);
    const ends = Number.isFinite(endsAt) ? { session_ends: Math.floor(endsAt / SECOND_MS) } : {};
    return key.sign({
      preferred_username: username,
      groups: [role],
      ...(email && { email }),
      ...ends,
      iss: publicOrigin,
      sub: userId,
      aud: audience,
      iat: now,
      exp: Math.min(now + SIGNED_FOR_SECONDS, ends.session_ends ?? Number.POSITIVE_INFINITY),
    });
  }

  return {
    async headersFor(identity, audience) {
      const { userId, username, role, endsAt } = identity;
      const email = await findEmail(userId);
      return {
        'Remote-User': inHeader(username),
        'Remote-Groups': role,
        ...(email && { 'Remote-Email': inHeader(email) }),
        ...(Number.isFinite(endsAt) && { 'X-Curfew-Session-Ends': String(Math.floor(endsAt / SECOND_MS)) }),
        'X-Curfew-Identity': await sign(identity, email, audience),
      };
    },
    jwks: async () => ({ keys: (await identityKeys()).map(({ publicJwk }) => publicJwk) }),
  };
}

/** Header values are ASCII (RFC 9110, 5.5): what is not, and the sign of an encoding, is UTF-8 in %XX. */
const inHeader = (text: string): string => text.replaceAll(/[^\x20-\x24\x26-\x7e]/gu, encodeURIComponent);
