import { type RouteClass, type RoutePolicy, SESSION_USE } from './route-policy.ts';

/** One kind of request that is limited. */
export interface RateLimitRow {
  /** For people: docs/limits.md is held against it. */
  readonly requests: string;
  readonly countedBy: string;
  readonly setting: string;
  /** Of the setting. No person comes near it, an office behind one address included. */
  readonly usual: string;
  /**
   * `exact`: each request asks Redis, where there is one. `batched`: each node counts by itself and compares notes with the
   * others (see `createBatchedLimiter`), so that a page costs no command more.
   */
  readonly counting: 'exact' | 'batched';
}

/**
 * Every limit there is. None for health probes: who watches the server must always get an answer. None for static files: they
 * ask no store, are the same for all, and a page asks for several at once; one that is not there is counted.
 */
export const RATE_LIMIT_TABLE = {
  login: {
    requests: 'failed sign-ins',
    countedBy: 'address and account, or the device that is known',
    setting: 'LOGIN_RATE_LIMIT',
    usual: '5/minute,25/hour',
    counting: 'exact',
  },
  api: {
    requests: 'calls of the API with a good key',
    countedBy: 'API key',
    setting: 'API_RATE_LIMIT',
    usual: '60/minute',
    counting: 'exact',
  },
  apiUser: {
    requests: 'calls of the API with all keys of a person together',
    countedBy: 'user',
    setting: 'API_USER_RATE_LIMIT',
    usual: '300/minute',
    counting: 'batched',
  },
  socket: {
    requests: 'messages over WebSockets',
    countedBy: 'user',
    setting: 'SOCKET_RATE_LIMIT',
    usual: '100/minute',
    counting: 'exact',
  },
  webhooks: {
    requests: 'signals',
    countedBy: 'webhook; those of unproved senders apart',
    setting: 'WEBHOOK_RATE_LIMIT',
    usual: '60/minute',
    counting: 'exact',
  },
  pages: {
    requests: 'pages and forms of a signed-in person, except signing out',
    countedBy: 'user',
    setting: 'PAGE_RATE_LIMIT',
    usual: '300/minute',
    counting: 'batched',
  },
  security: {
    requests: 'pages and forms for administrators',
    countedBy: 'user',
    setting: 'SECURITY_RATE_LIMIT',
    usual: '200/minute',
    counting: 'batched',
  },
  polls: {
    requests: 'what a script on a page asks for by itself',
    countedBy: 'user',
    setting: 'POLL_RATE_LIMIT',
    usual: '1200/minute',
    counting: 'batched',
  },
  gateway: {
    requests: 'requests for other tools through the gateway',
    countedBy: 'user; address where no one is signed in',
    setting: 'GATEWAY_RATE_LIMIT',
    usual: '6000/minute',
    counting: 'batched',
  },
  public: {
    requests: 'pages and forms of a signed-out visitor, the redirect to the sign-in page included',
    countedBy: 'address',
    setting: 'PUBLIC_RATE_LIMIT',
    usual: '600/minute',
    counting: 'batched',
  },
  programs: {
    requests:
      'the API without a good key, unknown webhooks, the API’s description, /metrics, the practice broker’s endpoints',
    countedBy: 'address',
    setting: 'PROGRAM_RATE_LIMIT',
    usual: '600/minute',
    counting: 'batched',
  },
  cspReports: {
    requests: 'reports of browsers about what they blocked',
    countedBy: 'address',
    setting: 'CSP_REPORT_RATE_LIMIT',
    usual: '60/minute',
    counting: 'batched',
  },
} as const satisfies Readonly<Record<string, RateLimitRow>>;

export type RateLimitName = keyof typeof RATE_LIMIT_TABLE;
export type BatchedLimitName = {
  [Name in RateLimitName]: (typeof RATE_LIMIT_TABLE)[Name]['counting'] extends 'batched' ? Name : never;
}[RateLimitName];

export const RATE_LIMIT_NAMES = Object.keys(RATE_LIMIT_TABLE) as readonly RateLimitName[];

export const isBatched = (name: RateLimitName): name is BatchedLimitName =>
  RATE_LIMIT_TABLE[name].counting === 'batched';

/**
 * Which limit of addresses a request counts towards that carries no session: undefined where its route counts it, or
 * nothing does.
 */
export function limitOfStranger({ class: routeClass, limit }: RoutePolicy): BatchedLimitName | undefined {
  if (routeClass === 'static' || limit === 'own') return undefined;
  if (routeClass === 'probe' || routeClass === 'api') return 'programs';
  if (routeClass === 'gateway') return 'gateway';
  return limit ?? 'public';
}

/** Which limit of users a request of a signed-in user counts towards. Undefined for signing out. */
export function limitOfPerson(method: string, policy: RoutePolicy): BatchedLimitName | undefined {
  if (policy.class === 'poll') return 'polls';
  if (policy.class === 'gateway') return 'gateway';
  if (method === 'POST' && policy.alwaysOpen) return undefined;
  return policy.role === 'admin' ? 'security' : 'pages';
}

/** Whether a session is asked for before it is known who comes. */
export const mayCarrySession = (routeClass: RouteClass): boolean => SESSION_USE[routeClass] !== 'none';
