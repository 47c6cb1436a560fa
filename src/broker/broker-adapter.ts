import type { PriceFeed } from '../core/price-feed.ts';

/**
 * One broker, behind the narrowest port that the brokers' login flows share. A person goes to the broker's page and
 * comes back with something (an OAuth `code`, Kite's `request_token`, Fyers' `auth_code`) that is exchanged for the
 * day's tokens. What can go wrong on the way is a value; only a programming error throws.
 */
export interface BrokerAdapter {
  /** A short word in lower case: part of addresses, and stored with each token. Never changes. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /**
   * Where the way to the authorization page leads, e.g. `https://kite.zerodha.com`: for the CSP's form-action, which
   * browsers hold every redirect after the Connect button to, the broker's own ones included.
   */
  readonly authorizationOrigins: readonly string[];
  /** Fields that a user must have registered with the broker before they can connect; empty where there are none. */
  readonly credentialFields: readonly CredentialField[];
  /** The page on which people register their apps, where they must. */
  readonly developerPage?: string;
  /** Whether the broker takes API calls from registered addresses only, so that people must be reminded of it. */
  readonly needsStaticAddress: boolean;
  /**
   * Whether the broker may come back without `state`: Dhan always, Kite when the person says no. Such an answer is taken
   * for the authorization that this very session has begun last at this broker, and `exchange` gets no `expectedState`:
   * it must then be sure by other means whose answer it is, or refuse.
   */
  readonly mayOmitState: boolean;
  startAuthorization(request: AuthorizationRequest): Promise<AuthorizationStart>;
  exchange(request: ExchangeRequest): Promise<ExchangeResult>;
  /**
   * Ends the token at the broker. A token that is already dead there counts as `done`. Absent where the broker offers
   * apps no logout: its token then lives until `expiresAt`, and nothing may say that the broker was told.
   */
  revoke?(request: RevokeRequest): Promise<BrokerLogoutResult>;
  /** Asks the broker's profile whether it takes the token now. Absent where the broker has no such address. */
  checkToken?(request: RevokeRequest): Promise<TokenCheck>;
  /** A new access token without the person; only where the broker has refresh tokens. */
  refresh?(request: RefreshRequest): Promise<BrokerGrant | BrokerProblem>;
  /** Its prices. Absent where this server does not know its stream. */
  readonly feed?: PriceFeed;
}

export interface RevokeRequest {
  readonly credentials: AppCredentials;
  readonly accessToken: string;
}

export interface RefreshRequest {
  readonly credentials: AppCredentials;
  readonly refreshToken: string;
}

/** One thing that a broker's developer page shows when an app is registered there. */
export interface CredentialField {
  /** In forms and in the store: `apiKey`. */
  readonly name: string;
  /** As the broker calls it: `API secret`. */
  readonly label: string;
  /** Where on the broker's developer page it stands, in a sentence or two for a user who has that page open. */
  readonly help: string;
  /** A secret is typed unseen and never shown again. */
  readonly secret: boolean;
}

/** The person's app credentials, by the names of `credentialFields`; all of them are there. */
export type AppCredentials = Readonly<Record<string, string>>;

export interface AuthorizationRequest {
  readonly credentials: AppCredentials;
  /** 256 random bits that must come back with the person. */
  readonly state: string;
  readonly redirectUri: string;
  /** S256 (RFC 7636). A broker without PKCE ignores it. */
  readonly codeChallenge: string;
}

/** Asynchronous, since some brokers want to be asked for a login session before a person is sent there. */
export type AuthorizationStart = { readonly kind: 'redirect'; readonly url: URL } | BrokerProblem;

export interface ExchangeRequest {
  readonly credentials: AppCredentials;
  /** The query of the callback, as the broker sent it. */
  readonly parameters: URLSearchParams;
  /** Undefined only where `mayOmitState`, and the callback had none. */
  readonly expectedState: string | undefined;
  readonly redirectUri: string;
  readonly codeVerifier: string;
}

export type ExchangeResult = BrokerGrant | { readonly kind: 'denied' } | BrokerProblem;

export interface BrokerGrant {
  readonly kind: 'granted';
  readonly accessToken: string;
  /** The user's account at the broker (`XX0000`); where the answer names it. */
  readonly clientId?: string | undefined;
  /** For the price feed, where that takes a token of its own; without one the access token opens the feed. */
  readonly feedToken?: string;
  readonly refreshToken?: string;
  /** When the broker ends the tokens by itself, in ms since the epoch. */
  readonly expiresAt: number;
}

/** `rejected`: the broker knows no such token any more. */
export type TokenCheck =
  | { readonly kind: 'accepted'; readonly clientId: string | undefined }
  | { readonly kind: 'rejected' }
  | BrokerProblem;

export type BrokerLogoutResult = { readonly kind: 'done' } | BrokerProblem;

/** `refused`: the broker answered and said no. `unreachable`: it did not answer in time, or not in its protocol. */
export interface BrokerProblem {
  readonly kind: 'refused' | 'unreachable';
  /** A fixed word for logs and the audit log, e.g. `invalid_grant`: never text of a stranger's, never a secret. */
  readonly why: string;
}

/** Finds adapters by id; in the order in which pages list them. */
export type BrokerAdapters = ReadonlyMap<string, BrokerAdapter>;

export function createBrokerAdapters(adapters: readonly BrokerAdapter[]): BrokerAdapters {
  return new Map(adapters.map((adapter) => [adapter.id, adapter]));
}
