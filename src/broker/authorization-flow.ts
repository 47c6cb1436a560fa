import * as oauth from 'oauth4webapi';
import type { AuditLog, AuditOrigin } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import { unavailable } from '../errors.ts';
import type { EpochStore } from '../revocation/epoch-store.ts';
import type { CurrentSession } from '../sessions/current-session.ts';
import type { AuthorizationStore, PendingAuthorization } from './authorization-store.ts';
import type { AppCredentials, BrokerAdapter, BrokerGrant, BrokerProblem } from './broker-adapter.ts';
import { callbackUri } from './callback-uri.ts';
import type { ConnectionKeeper, ConnectionOrigin } from './connection-keeper.ts';
import type { Credentials } from './credentials.ts';
import { hasDigest } from './secret-digest.ts';
import type { TokenCipher } from './token-cipher.ts';
import type { InvalidateTokens } from './token-invalidator.ts';

export interface StartRequest {
  readonly adapter: BrokerAdapter;
  readonly session: CurrentSession;
  /** A path on this origin. */
  readonly returnTo: string;
  /** Whether the connection is to stay until the cutoff when no browser is signed in. */
  readonly held: boolean;
  readonly origin: AuditOrigin;
}

export interface CallbackRequest {
  readonly adapter: BrokerAdapter;
  readonly session: CurrentSession;
  readonly parameters: URLSearchParams;
  readonly origin: AuditOrigin;
}

/** Why a callback was not accepted, before the broker was even asked. */
export type CallbackRefusal = 'state_unknown' | 'state_expired' | 'other_session' | 'other_broker';

export type CallbackResult =
  | { readonly kind: 'connected' | 'denied'; readonly returnTo: string }
  | { readonly kind: 'not_accepted'; readonly why: CallbackRefusal }
  | { readonly kind: 'ended_meanwhile' }
  | { readonly kind: 'credentials_missing' }
  | BrokerProblem;

export type StartResult =
  | { readonly kind: 'redirect'; readonly url: URL }
  /** The person has not entered what the broker wants of apps. */
  | { readonly kind: 'credentials_missing' }
  | BrokerProblem;

/** Sends a person to a broker, and takes them back with a token. It makes no session: one is there or not. */
export interface AuthorizationFlow {
  start(request: StartRequest): Promise<StartResult>;
  finish(request: CallbackRequest): Promise<CallbackResult>;
}

export interface AuthorizationFlowDeps {
  readonly authorizations: AuthorizationStore;
  readonly credentials: Pick<Credentials, 'of'>;
  readonly keeper: ConnectionKeeper;
  readonly invalidateTokens: InvalidateTokens;
  readonly epochs: EpochStore;
  readonly cipher: TokenCipher;
  readonly clock: Clock;
  readonly audit: AuditLog;
  /** BASE_URL: where brokers send people back to. */
  readonly publicOrigin: string;
  /** Called when a broker has to be told of something: the logout queue's `wake`. */
  readonly wakeLogouts: () => void;
}

export function createAuthorizationFlow(deps: AuthorizationFlowDeps): AuthorizationFlow {
  const { authorizations, credentials, keeper, invalidateTokens, epochs, cipher, clock, audit } = deps;
  const { publicOrigin, wakeLogouts } = deps;

  return {
    async start({ adapter, session, returnTo, held, origin }) {
      const { sid, userId } = session;
      const broker = adapter.id;
      const appCredentials = await credentials.of(userId, adapter);
      if (appCredentials === undefined) return { kind: 'credentials_missing' };
      const state = oauth.generateRandomState();
      const verifier = oauth.generateRandomCodeVerifier();
      const start = await adapter.startAuthorization({
        credentials: appCredentials,
        state,
        redirectUri: callbackUri(publicOrigin, broker),
        codeChallenge: await oauth.calculatePKCECodeChallenge(verifier),
      });
      if (start.kind !== 'redirect') {
        await audit.record({ type: 'broker.connection_failed', userId, broker, why: start.why }, origin);
        return start;
      }
      const codeVerifier = cipher.forBroker(broker).encrypt(verifier);
      await authorizations.begin({ state, sid, userId, broker, codeVerifier, returnTo, held }, clock.now());
      await audit.record({ type: 'broker.authorization_started', userId, broker }, origin);
      return start;
    },

    async finish(request) {
      const { adapter, session, origin } = request;
      const { userId } = session;
      const result = await takeBack(request);
      await audit.record(
        result.kind === 'connected'
          ? { type: 'broker.connected', userId, broker: adapter.id }
          : { type: 'broker.connection_failed', userId, broker: adapter.id, why: whyOf(result) },
        origin,
      );
      return result;
    },
  };

  async function takeBack({ adapter, session, parameters }: CallbackRequest): Promise<CallbackResult> {
    const states = parameters.getAll('state');
    if (states.length > 1) return { kind: 'not_accepted', why: 'state_unknown' };
    const [state] = states;
    const pending = await takePending(authorizations, state, session, adapter);
    if (pending === undefined) return { kind: 'not_accepted', why: 'state_unknown' };
    const refusal = whyRefused(pending, session, adapter, clock.now());
    if (refusal !== undefined) return { kind: 'not_accepted', why: refusal };
    const verifier = cipher.forBroker(adapter.id).decrypt(pending.codeVerifier);
    if (verifier.kind === 'unreadable') return { kind: 'not_accepted', why: 'state_unknown' };
    const appCredentials = await credentials.of(session.userId, adapter);
    if (appCredentials === undefined) return { kind: 'credentials_missing' };

    // Both from before the broker is asked: a revocation or a cutoff during the exchange then ends its token too.
    const origin = await originOf(session, adapter, pending.held);
    if (origin.epoch !== session.epoch) return { kind: 'ended_meanwhile' };
    const result = await adapter.exchange({
      credentials: appCredentials,
      parameters,
      expectedState: state,
      redirectUri: callbackUri(publicOrigin, adapter.id),
      codeVerifier: verifier.text,
    });
    if (result.kind === 'denied') return { ...result, returnTo: pending.returnTo };
    if (result.kind !== 'granted') return result;
    const kept = await keepOrEnd(result, origin, { adapter, appCredentials });
    return kept === 'kept' ? { kind: 'connected', returnTo: pending.returnTo } : { kind: 'ended_meanwhile' };
  }

  async function originOf(
    { userId, sid }: CurrentSession,
    { id }: BrokerAdapter,
    held: boolean,
  ): Promise<ConnectionOrigin> {
    return { userId, broker: id, sid, epoch: await epochs.current(userId), issuedAt: clock.now(), held };
  }

  /** A token that could not be stored is ended at the broker at once, as well as can be. */
  async function keepOrEnd(
    grant: BrokerGrant,
    origin: ConnectionOrigin,
    { adapter, appCredentials }: Client,
  ) {
    try {
      const kept = await keeper.keep(grant, origin);
      await invalidateTokens(origin.userId, origin.broker);
      wakeLogouts();
      return kept;
    } catch (error) {
      const { accessToken } = grant;
      await adapter.revoke?.({ credentials: appCredentials, accessToken }).catch(() => undefined);
      throw unavailable('The database', error);
    }
  }
}

/** A broker, and what it knows this person's app by. */
interface Client {
  readonly adapter: BrokerAdapter;
  readonly appCredentials: AppCredentials;
}

function takePending(
  authorizations: AuthorizationFlowDeps['authorizations'],
  state: string | undefined,
  { sid }: CurrentSession,
  { id, mayOmitState }: BrokerAdapter,
) {
  if (state !== undefined) return authorizations.take(state);
  return mayOmitState ? authorizations.takeLatest(sid, id) : undefined;
}

function whyRefused(
  pending: PendingAuthorization,
  { sid, userId }: CurrentSession,
  adapter: BrokerAdapter,
  now: number,
): CallbackRefusal | undefined {
  if (pending.userId !== userId || !hasDigest(sid, pending.sessionDigest)) return 'other_session';
  if (pending.broker !== adapter.id) return 'other_broker';
  if (pending.expiresAt <= now) return 'state_expired';
  return undefined;
}

function whyOf(result: Exclude<CallbackResult, { kind: 'connected' }>): string {
  return 'why' in result ? result.why : result.kind;
}
