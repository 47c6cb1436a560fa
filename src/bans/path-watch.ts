import type { ErrorRequestHandler, Request, RequestHandler } from 'express';
import { AppError } from '../errors.ts';
import { clientSubject } from '../http/client-address.ts';
import { isGuarded, routeClassOf } from '../http/route-policy.ts';
import type { BanHits } from './ban-hits.ts';
import type { BanIndex } from './ban-index.ts';
import type { KnownAddresses } from './known-addresses.ts';

export interface PathWatch {
  /**
   * Behind the session and in front of its expiry: a guarded path leads a stranger to the sign-in page, whether or not
   * there is anything.
   */
  readonly strangers: RequestHandler;
  /** In front of the error handler: what was refused or led nowhere without a session, wherever on its way. */
  readonly refusals: ErrorRequestHandler;
}

/** The live session of a request, where it counts. */
export type LiveSession = (req: Request) => { readonly userId: string } | undefined;

export interface PathWatchDeps {
  readonly banIndex: Pick<BanIndex, 'isSuspicious'>;
  readonly hits: Pick<BanHits, 'note'>;
  /** Offences from known addresses are slowed down: another site's page may have made the browser ask. */
  readonly knownAddresses: Pick<KnownAddresses, 'note'>;
  /** Typing mistakes of a signed-in person do not count. */
  readonly liveSession: LiveSession;
}

/**
 * Counts requests for what only a scanner asks for. Those that are answered cost nothing here. The path
 * alone says so: a header that the client chooses hides nothing.
 */
export function createPathWatch({ banIndex, hits, knownAddresses, liveSession }: PathWatchDeps): PathWatch {
  const counted = new WeakSet<Request>();

  /** Each request once. What to answer instead, where its address is slowed down. */
  function count(req: Request): AppError | undefined {
    // A path that is suspicious here may be an ordinary one of another tool.
    if (counted.has(req) || routeClassOf(req) === 'gateway') return undefined;
    if (!banIndex.isSuspicious(req.path) || liveSession(req) !== undefined) return undefined;
    counted.add(req);
    const waitSeconds = hits.note('suspicious_paths', clientSubject(req).address);
    return waitSeconds === undefined ? undefined : tooManyPaths(waitSeconds);
  }

  return {
    strangers: function watchStrangers(req, _res, next) {
      const session = liveSession(req);
      if (session !== undefined) knownAddresses.note(clientSubject(req).subject, session.userId);
      else if (isGuarded(routeClassOf(req))) return next(count(req));
      next();
    },
    refusals: function watchRefusals(error: unknown, req, _res, next) {
      const tooMany = count(req);
      // A ban must not hide a fault of the server.
      const isRefusal = error instanceof AppError && error.status < 500;
      next((isRefusal ? tooMany : undefined) ?? error);
    },
  };
}

function tooManyPaths(retryAfterSeconds: number): AppError {
  const words = `Too many requests for pages that are not there came from your address. Try again in ${retryAfterSeconds} s.`;
  return new AppError('rate_limited', words, { retryAfterSeconds });
}
