import type { ErrorRequestHandler, NextFunction, Request, RequestHandler, Response } from 'express';
import type { Cluster, Redis } from 'ioredis';
import { SECOND_MS } from '../core/duration.ts';
import { AppError, type ErrorAction } from '../errors.ts';
import { type BatchedLimiter, type Count, createBatchedLimiter } from './batched-limiter.ts';
import { clientSubject } from './client-address.ts';
import type { RateLimit } from './compound-limiter.ts';
import { counter, type Metric } from './metrics.ts';
import { createPacing } from './pacing.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';
import {
  type BatchedLimitName,
  isBatched,
  limitOfPerson,
  limitOfStranger,
  mayCarrySession,
  RATE_LIMIT_NAMES,
  type RateLimitName,
} from './rate-limit-table.ts';
import { createRedisTally } from './redis-counter.ts';
import { policyOf, routeClassOf } from './route-policy.ts';
import { waitInWords } from './wait-in-words.ts';

export interface RateLimits {
  /**
   * In front of the session. Counts requests without one, and turns away, before any store is asked, those of a user
   * who is over the limit.
   */
  readonly beforeSession: RequestHandler;
  /** Behind what turns requests of other sites away: counts those that only said that they carry a session. */
  readonly turnedAway: ErrorRequestHandler;
  /** Behind the session: counts people, and those whose session turned out to be none. */
  readonly behindSession: RequestHandler;
  /** Behind everything that answers without a session: what led nowhere there. */
  readonly unanswered: RequestHandler;
  /** For a route that finds out by itself that it does not know who asks. Throws `rate_limited`. */
  readonly countStranger: (req: Request, res: Response) => void;
  /** For the API, where a key has told whose call it is, and counts by itself. Throws `rate_limited`. */
  readonly countCaller: (userId: string) => void;
  readonly metrics: readonly Metric[];
  /** To be stopped when the server closes. */
  readonly comparing: { start(): void; stop(): Promise<void> };
}

/** The sign-in page is never refused. */
const SIGN_IN: ErrorAction = { href: '/auth/login', text: 'Sign in' };
const WAY_IN_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST']);
/** Past its limit an address gets the sign-in page a second later, and 500 at a time. */
const SIGN_IN_PACE = { waitMs: SECOND_MS, mostWaiting: 500 } as const;

export interface RateLimitsDeps {
  readonly limits: Readonly<Record<RateLimitName, readonly RateLimit[]>>;
  /** Counters shared by all nodes; without it each process counts by itself. */
  readonly redis: Redis | Cluster | undefined;
  /** The user whose session the request claims: not verified yet. */
  readonly unverifiedUserId: (req: Request) => string | undefined;
  /** The user of the verified session. Behind the session only. */
  readonly userOf: (req: Request) => string | undefined;
}

/** The limits of `RATE_LIMIT_TABLE` that are not a feature's own. */
export function createRateLimits(deps: RateLimitsDeps): RateLimits {
  const { unverifiedUserId, userOf } = deps;
  const limiters = createLimiters(deps);
  const pace = createPacing(SIGN_IN_PACE);

  function take(
    name: BatchedLimitName,
    key: string,
    res: Response,
    action?: ErrorAction,
  ): AppError | undefined {
    const count = limiters.count(name, key);
    if (count === undefined) return undefined;
    if (count.limited) return limiters.refuse(name, count, action);
    res.set(rateLimitHeaders(count));
    return undefined;
  }

  function takeStranger(
    name: BatchedLimitName | undefined,
    req: Request,
    res: Response,
  ): AppError | undefined {
    if (name === undefined) return undefined;
    const action = name === 'public' && req.method === 'GET' ? SIGN_IN : undefined;
    return take(name, clientSubject(req).subject, res, action);
  }

  /**
   * The way in is slowed and never refused: it may have been a neighbour who asked for all those pages. It costs no store
   * anything, and what costs, checking passwords, has limits of its own.
   */
  function limitStranger(req: Request, res: Response, next: NextFunction): void {
    const isWayIn = policyOf(req).path === SIGN_IN.href && WAY_IN_METHODS.has(req.method);
    const count = isWayIn ? limiters.count('public', clientSubject(req).subject) : undefined;
    if (count !== undefined) res.set(rateLimitHeaders(count));
    if (count?.limited === true) pace(res, next);
    else next(isWayIn ? undefined : takeStranger(limitOfStranger(policyOf(req)), req, res));
  }

  return {
    beforeSession: function limitBeforeSession(req, res, next) {
      // Which methods there are is answered without a session: such a request counts as a stranger's.
      const mayBeKnown = req.method !== 'OPTIONS' && mayCarrySession(routeClassOf(req));
      const user = mayBeKnown ? unverifiedUserId(req) : undefined;
      if (user === undefined) limitStranger(req, res, next);
      else next(limiters.findLimited(limitOfPerson(req.method, policyOf(req)), user));
    },

    turnedAway: function limitTurnedAway(error: unknown, req, res, next) {
      const isUncounted =
        error instanceof AppError &&
        error.code === 'csrf' &&
        mayCarrySession(routeClassOf(req)) &&
        unverifiedUserId(req) !== undefined;
      next((isUncounted ? takeStranger(limitOfStranger(policyOf(req)), req, res) : undefined) ?? error);
    },

    behindSession: function limitBehindSession(req, res, next) {
      if (!mayCarrySession(routeClassOf(req))) return next();
      const user = userOf(req);
      if (user === undefined)
        return unverifiedUserId(req) === undefined ? next() : limitStranger(req, res, next);
      const name = limitOfPerson(req.method, policyOf(req));
      next(name === undefined ? undefined : take(name, user, res));
    },

    unanswered: function limitUnanswered(req, res, next) {
      const isCounted = limitOfStranger(policyOf(req)) !== undefined;
      next(isCounted ? undefined : takeStranger('programs', req, res));
    },

    countStranger(req, res) {
      const problem = takeStranger('programs', req, res);
      if (problem !== undefined) throw problem;
    },

    countCaller(userId) {
      const count = limiters.count('apiUser', userId);
      if (count?.limited) throw limiters.refuse('apiUser', count);
    },

    metrics: [limiters.metric],

    comparing: {
      start: () => undefined,
      stop: async () => limiters.stop(),
    },
  };
}

/** A limiter for each name, and the words for who is over its limit. */
function createLimiters({ limits, redis }: RateLimitsDeps) {
  const limiters = new Map(
    RATE_LIMIT_NAMES.filter(isBatched).map((name) => [name, createLimiter(name, limits[name], redis)]),
  );
  const refused = new Map<RateLimitName, number>();

  /** Answers what to say to a sender who is over the limit. */
  function refuse(name: BatchedLimitName, count: Count, action?: ErrorAction): AppError {
    refused.set(name, (refused.get(name) ?? 0) + 1);
    const wait = waitInWords(count.retryAfterSeconds);
    return new AppError('rate_limited', `${WORDS[name]} Try again in ${wait}.`, {
      retryAfterSeconds: count.retryAfterSeconds,
      headers: rateLimitHeaders(count),
      action,
    });
  }

  return {
    count: (name: BatchedLimitName, key: string): Count | undefined => limiters.get(name)?.take(key),
    refuse,

    findLimited(name: BatchedLimitName | undefined, key: string): AppError | undefined {
      const count = name === undefined ? undefined : limiters.get(name)?.findLimited(key);
      return name === undefined || count === undefined ? undefined : refuse(name, count);
    },

    metric: counter({
      name: 'curfew_rate_limited_total',
      help: 'Requests that were refused because there were too many, by limit.',
      labelNames: ['limit'],
      read: () =>
        [...limiters.keys()].map((limit) => ({ labels: { limit }, value: refused.get(limit) ?? 0 })),
    }),

    stop(): void {
      for (const limiter of limiters.values()) limiter.stop();
    },
  };
}

function createLimiter(
  name: BatchedLimitName,
  limits: readonly RateLimit[],
  redis: Redis | Cluster | undefined,
): BatchedLimiter {
  const tallyOf =
    redis &&
    ((limit: RateLimit) =>
      createRedisTally(redis, `curfew:rl:${name}:${limit.points}/${limit.durationSeconds}s`));
  return createBatchedLimiter({ limits, tallyOf });
}

const MANY_OF_PERSON = 'Too many requests. You are still signed in.';
const MANY_FROM_ADDRESS = 'Too many requests came from your address.';

const WORDS: Readonly<Record<BatchedLimitName, string>> = {
  pages: MANY_OF_PERSON,
  security: MANY_OF_PERSON,
  polls: 'A script asks too often with this session.',
  gateway: 'Too many requests to tools behind this server.',
  public: MANY_FROM_ADDRESS,
  programs: MANY_FROM_ADDRESS,
  apiUser: 'Too many requests with the API keys of one person, all of them together.',
  cspReports: MANY_FROM_ADDRESS,
};
