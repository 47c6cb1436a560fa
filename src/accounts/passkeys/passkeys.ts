import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server';
import type { Request } from 'express';
import type { AuditLog, AuditOrigin } from '../../core/audit-event.ts';
import type { Clock } from '../../core/clock.ts';
import { DAY_MS } from '../../core/duration.ts';
import type { FactorStore } from '../second-factor/factor-store.ts';
import { generateRecoveryCodes, recoveryCodeDigest } from '../second-factor/recovery-codes.ts';
import type { User } from '../user-store.ts';
import { CHALLENGE_LIFETIME_MS, type Challenges } from './challenges.ts';
import type { PasskeyStore, StoredPasskey } from './passkey-store.ts';
import type { RelyingParty } from './relying-party.ts';

/** EdDSA, ES256 and RS256: what authenticators have. */
const ALGORITHMS = [-8, -7, -257];

const RECENT_MS = 30 * DAY_MS;

/** Options that a script hands to the browser, and the seal that it brings back with the answer. */
export interface Ceremony<Options> {
  readonly sealed: string;
  readonly options: Options;
}

export type AssertionCheck =
  | { readonly kind: 'accepted'; readonly passkey: StoredPasskey }
  /** The challenge was used, is too old, or was another browser's. */
  | { readonly kind: 'expired' }
  | { readonly kind: 'refused' };

export type Registration =
  /** `recoveryCodes` where it is the user's first factor: they are nowhere else. */
  | { readonly kind: 'registered'; readonly recoveryCodes: readonly string[] | undefined }
  | { readonly kind: 'expired' | 'refused' | 'too_many' };

export interface Passkeys {
  /** Undefined where BASE_URL is nothing that passkeys can be made for. */
  readonly relyingParty: RelyingParty | undefined;
  listOf(userId: string): Promise<readonly StoredPasskey[]>;
  /** Those of the last 30 days. */
  listRecent(userId: string): Promise<readonly StoredPasskey[]>;
  find(id: string): Promise<StoredPasskey | undefined>;
  /** For any passkey of this server, or for those of one user. */
  begin(
    req: Request,
    purpose: 'sign_in' | 'confirm',
    passkeys?: readonly StoredPasskey[],
  ): Ceremony<PublicKeyCredentialRequestOptionsJSON>;
  /** Whether its owner used this passkey now, and was verified by their device (WebAuthn, 7.2). */
  check(
    req: Request,
    purpose: 'sign_in' | 'confirm',
    answer: {
      readonly sealed: string;
      readonly assertion: AuthenticationResponseJSON;
      readonly passkey: StoredPasskey;
    },
    origin: AuditOrigin,
  ): Promise<AssertionCheck>;
  beginRegistration(
    req: Request,
    purpose: 'register' | 'enrol',
    user: Pick<User, 'id' | 'username'>,
  ): Promise<Ceremony<PublicKeyCredentialCreationOptionsJSON>>;
  /** Stores a new passkey (WebAuthn, 7.1). `passwordHash`: where given, it must still be the user's. */
  register(
    req: Request,
    purpose: 'register' | 'enrol',
    wish: {
      readonly userId: string;
      readonly name: string;
      readonly sealed: string;
      readonly attestation: RegistrationResponseJSON;
      readonly passwordHash?: string;
    },
    origin: AuditOrigin,
  ): Promise<Registration>;
  /** By its owner. False where they have no such passkey. */
  rename(
    passkey: Pick<StoredPasskey, 'id' | 'userId' | 'name'>,
    name: string,
    origin: AuditOrigin,
  ): Promise<boolean>;
  /** By its owner; the recovery codes go with the last factor. False where they have no such passkey. */
  remove(passkey: Pick<StoredPasskey, 'id' | 'userId' | 'name'>, origin: AuditOrigin): Promise<boolean>;
}

export interface PasskeysDeps {
  readonly relyingParty: RelyingParty | undefined;
  readonly store: PasskeyStore;
  readonly factors: Pick<FactorStore, 'addPasskey' | 'removePasskey'>;
  readonly challenges: Challenges;
  readonly clock: Clock;
  readonly audit: AuditLog;
}

export function createPasskeys(deps: PasskeysDeps): Passkeys {
  const { relyingParty, store, factors, challenges, clock, audit } = deps;

  function requireParty(): RelyingParty {
    if (relyingParty === undefined) throw new Error('Passkeys cannot be made for BASE_URL');
    return relyingParty;
  }

  return {
    relyingParty,
    listOf: store.listOf,
    async listRecent(userId) {
      const since = clock.now() - RECENT_MS;
      return (await store.listOf(userId)).filter(({ createdAt }) => createdAt > since);
    },
    find: store.find,

    begin(req, purpose, passkeys = []) {
      const { challenge, sealed } = challenges.issue(req, purpose);
      return { sealed, options: requestOptions(challenge, passkeys, requireParty()) };
    },

    async check(req, purpose, { sealed, assertion, passkey }, origin) {
      const challenge = await challenges.redeem(req, purpose, sealed);
      if (challenge === undefined) return { kind: 'expired' };
      const use = await readUse(challenge, assertion, passkey, requireParty());
      if (use === undefined) return { kind: 'refused' };
      if (await store.noteUse(passkey.id, { ...use, at: clock.now() })) return { kind: 'accepted', passkey };
      // WebAuthn, 6.1.1: two authenticators have the same key, or the answer was copied.
      const { userId, name } = passkey;
      if ((await store.find(passkey.id)) !== undefined)
        await audit.record({ type: 'passkey.cloned', userId, name }, origin);
      return { kind: 'refused' };
    },

    async beginRegistration(req, purpose, { id: userId, username }) {
      const { generateRegistrationOptions } = await webauthn();
      const { challenge, sealed } = challenges.issue(req, purpose);
      const options = await generateRegistrationOptions({
        rpName: 'Curfew',
        rpID: requireParty().id,
        userName: username,
        userID: new Uint8Array(Buffer.from(userId)),
        challenge: new Uint8Array(Buffer.from(challenge, 'base64url')),
        timeout: CHALLENGE_LIFETIME_MS,
        attestationType: 'none',
        supportedAlgorithmIDs: ALGORITHMS,
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        excludeCredentials: (await store.listOf(userId)).map(({ id, transports }) => ({
          id,
          transports: [...transports],
        })),
      });
      return { sealed, options };
    },

    async register(req, purpose, { userId, name, sealed, attestation, passwordHash }, origin) {
      const challenge = await challenges.redeem(req, purpose, sealed);
      if (challenge === undefined) return { kind: 'expired' };
      const passkey = await readNew(challenge, attestation, requireParty());
      if (passkey === undefined) return { kind: 'refused' };
      const recoveryCodes = generateRecoveryCodes();
      const stored = await factors.addPasskey({
        ...passkey,
        userId,
        name,
        recoveryCodeDigests: recoveryCodes.map((code) => recoveryCodeDigest(userId, code)),
        ...(passwordHash === undefined ? {} : { passwordHash }),
      });
      if (stored === 'too_many' || stored === 'refused') return { kind: stored };
      await audit.record({ type: 'passkey.added', userId, name }, origin);
      return { kind: 'registered', recoveryCodes: stored === 'first_factor' ? recoveryCodes : undefined };
    },

    async rename({ id, userId, name: before }, name, origin) {
      if (name === before) return true;
      const wasThere = await store.rename({ id, userId }, name);
      if (wasThere) await audit.record({ type: 'passkey.renamed', userId, name, before }, origin);
      return wasThere;
    },

    async remove({ id, userId, name }, origin) {
      const wasThere = await factors.removePasskey(userId, id);
      if (wasThere) await audit.record({ type: 'passkey.removed', userId, name }, origin);
      return wasThere;
    },
  };
}

function requestOptions(
  challenge: string,
  passkeys: readonly StoredPasskey[],
  { id: rpId }: RelyingParty,
): PublicKeyCredentialRequestOptionsJSON {
  const allowCredentials = passkeys.map(({ id, transports }) => ({
    id,
    type: 'public-key' as const,
    transports: [...transports],
  }));
  return {
    challenge,
    rpId,
    timeout: CHALLENGE_LIFETIME_MS,
    userVerification: 'required',
    ...(allowCredentials.length === 0 ? {} : { allowCredentials }),
  };
}

async function readUse(
  challenge: string,
  assertion: AuthenticationResponseJSON,
  { id, publicKey, canBeBackedUp }: StoredPasskey,
  { id: expectedRPID, origin: expectedOrigin }: RelyingParty,
): Promise<{ readonly counter: number; readonly isBackedUp: boolean } | undefined> {
  const { verifyAuthenticationResponse } = await webauthn();
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: assertion,
      expectedChallenge: challenge,
      expectedOrigin,
      expectedRPID,
      requireUserVerification: true,
      // The counter is compared where it is stored: two answers may come at once, on two nodes.
      credential: { id, publicKey: new Uint8Array(Buffer.from(publicKey, 'base64url')), counter: 0 },
    });
    const { newCounter, credentialBackedUp, credentialDeviceType } = authenticationInfo;
    if (!verified || (credentialDeviceType === 'multiDevice') !== canBeBackedUp) return undefined;
    return { counter: newCounter, isBackedUp: credentialBackedUp };
  } catch {
    // The library says by an error what does not hold: another origin, no user verification, a malformed answer.
    return undefined;
  }
}

async function readNew(
  challenge: string,
  attestation: RegistrationResponseJSON,
  { id: rpId, origin: expectedOrigin }: RelyingParty,
) {
  const { verifyRegistrationResponse } = await webauthn();
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: attestation,
      expectedChallenge: challenge,
      expectedOrigin,
      expectedRPID: rpId,
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    });
    if (!verified) return undefined;
    const { credential, credentialDeviceType, credentialBackedUp } = registrationInfo;
    return {
      id: credential.id,
      publicKey: Buffer.from(credential.publicKey).toString('base64url'),
      counter: credential.counter,
      transports: attestation.response.transports ?? [],
      canBeBackedUp: credentialDeviceType === 'multiDevice',
      isBackedUp: credentialBackedUp,
      rpId,
    };
  } catch {
    return undefined;
  }
}

/** Loaded when the first passkey comes: certificates and CBOR are of no use to a server without any. */
const webauthn = () => import('@simplewebauthn/server');
