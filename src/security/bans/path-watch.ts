import type { ErrorRequestHandler, Request, RequestHandler } from 'express';
import { LRUCache } from 'lru-cache';
import { DAY_MS } from '../../core/duration.ts';
import { AppError } from '../../errors.ts';
import { createClientSubjects } from '../../http/client-subjects.ts';
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

/**
 * Where people were signed in within the last day, on this node, nothing is counted: over plain http a browser does not
 * say that another site's page made it ask, and sends no cookie along, so such a page could have its readers banned.
 */
const HOMES_REMEMBERED = 10_000;

/** Counts requests for what only somebody asks for who looks for holes. Those that are answered cost nothing here. */
export function createPathWatch({ book, hits, isSignedIn }: PathWatchDeps): PathWatch {
  const clientSubject = createClientSubjects();
  const homes = new LRUCache<string, true>({ max: HOMES_REMEMBERED, ttl: DAY_MS });

  function note(req: Request): void {
    if (isSignedIn(req) || isSentByOtherSite(req) || !book.isSuspicious(req.path)) return;
    const { address, subject } = clientSubject(req);
    if (!homes.has(subject)) hits.note('suspicious_paths', address);
  }

  return {
    strangers: function watchStrangers(req, _res, next) {
      if (isSignedIn(req)) homes.set(clientSubject(req).subject, true);
      else if (isGuarded(routeClassOf(req.path))) note(req);
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
