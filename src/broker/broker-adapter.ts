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
  /** Where the authorization page lives, e.g. `https://kite.zerodha.com`: for the CSP's form-action. */
  readonly authorizationOrigin: string;
  startAuthorization(request: AuthorizationRequest): Promise<AuthorizationStart>;
  exchange(request: ExchangeRequest): Promise<ExchangeResult>;
  /** Ends the token at the broker. A token that is already dead there counts as `done`. */
  revoke(request: { readonly accessToken: string }): Promise<BrokerLogoutResult>;
}

export interface AuthorizationRequest {
  /** 256 random bits that must come back with the person. */
  readonly state: string;
  readonly redirectUri: string;
  /** S256 (RFC 7636). A broker without PKCE ignores it. */
  readonly codeChallenge: string;
}

/** Asynchronous, since some brokers want to be asked for a login session before a person is sent there. */
export type AuthorizationStart = { readonly kind: 'redirect'; readonly url: URL } | BrokerProblem;

export interface ExchangeRequest {
  /** The query of the callback, as the broker sent it. */
  readonly parameters: URLSearchParams;
  readonly expectedState: string;
  readonly redirectUri: string;
  readonly codeVerifier: string;
}

export type ExchangeResult = BrokerGrant | { readonly kind: 'denied' } | BrokerProblem;

export interface BrokerGrant {
  readonly kind: 'granted';
  readonly accessToken: string;
  /** For the price feed, where that takes a token of its own. */
  readonly feedToken?: string;
  /** When the broker ends the tokens by itself, in ms since the epoch. */
  readonly expiresAt: number;
}

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
