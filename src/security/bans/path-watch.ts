import type { ErrorRequestHandler, Request, RequestHandler } from 'express';
import { AppError } from '../../errors.ts';
import { clientAddress } from '../../http/client-address.ts';
import { isGuarded, routeClassOf } from '../../http/route-classes.ts';
import type { BanBook } from './ban-book.ts';
import type { BanHits } from './ban-hits.ts';

export interface PathWatch {
  /**
   * Behind the session and in front of its expiry: a guarded path leads a stranger to the sign-in page, whether or not
   * there is anything.
   */
  readonly strangers: RequestHandler;
  /** In front of the error handler: what led nowhere without a session. */
  readonly notFound: ErrorRequestHandler;
}

export interface PathWatchDeps {
  readonly book: Pick<BanBook, 'isSuspicious'>;
  readonly hits: Pick<BanHits, 'note'>;
  /** Whether the request is of somebody who is signed in: their typing mistakes do not count. */
  readonly isSignedIn: (req: Request) => boolean;
}

/** Counts requests for what only somebody asks for who looks for holes. Those that are answered cost nothing here. */
export function createPathWatch({ book, hits, isSignedIn }: PathWatchDeps): PathWatch {
  function note(req: Request): void {
    if (isSignedIn(req) || isSentByOtherSite(req) || !book.isSuspicious(req.path)) return;
    hits.note('suspicious_paths', clientAddress(req));
  }

  return {
    strangers: function watchStrangers(req, _res, next) {
      if (isGuarded(routeClassOf(req.path))) note(req);
      next();
    },
    notFound: function watchNotFound(error: unknown, req, _res, next) {
      const isNotFound = error instanceof AppError && error.code === 'not_found';
      // A guarded path was counted already.
      if (isNotFound && !isGuarded(routeClassOf(req.path))) note(req);
      next(error);
    },
  };
}

/**
 * The browser says that a page elsewhere made it ask. Otherwise any page with twenty pictures from here would have its
 * readers banned; a scanner that says so, too, has gained nothing but time.
 */
function isSentByOtherSite(req: Request): boolean {
  const site = req.get('sec-fetch-site');
  return site === 'cross-site' || site === 'same-site';
}
