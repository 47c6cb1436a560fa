import type { Request, RequestHandler, Response } from 'express';
import type { Clock } from '../core/clock.ts';
import { clientSubject } from './client-address.ts';
import { loggedPathOf } from './logged-path.ts';
import { type RouteClass, routeClassOf } from './route-policy.ts';

/** A request that was answered, or whose client went away. Holds no query, header or body. */
export interface ServedRequest {
  /** When it came, in milliseconds since the epoch. */
  readonly at: number;
  readonly method: string;
  /** The route as it was declared, `/strategies/:id`; undefined where none answered. */
  readonly pattern: string | undefined;
  /** Without its query, and without what may not stand in a log. */
  readonly path: string;
  readonly routeClass: RouteClass;
  readonly status: number;
  /** Whether the client went away before it had the answer. */
  readonly aborted: boolean;
  readonly durationMs: number;
  /** Whether the answer waited on purpose, for a signal for example: how long it took says nothing about the server. */
  readonly waited: boolean;
  /** Sent to the client, headers included. */
  readonly bytes: number;
  /** Owner of the session or API key it came with. */
  readonly userId: string | undefined;
  readonly requestId: string;
  /** For what an observer still has to ask: the address, for one. Not to be kept. */
  readonly req: Request;
}

/** Told of each request at its end, one after the other. Must not throw and must not take long. */
export type RequestObserver = (served: ServedRequest) => void;

export interface RequestWatchDeps {
  readonly clock: Clock;
  readonly observers: readonly RequestObserver[];
}

/** Says whose request this is, where that is known before the answer. */
export function setActingUser(res: Response, userId: string): void {
  res.locals['actingUserId'] = userId;
}

/** Says that this answer may wait on purpose. */
export function setWaited(res: Response): void {
  res.locals['waited'] = true;
}

/** Tells the observers of every request that passes, once it is over. */
export function createRequestWatch({ clock, observers }: RequestWatchDeps): RequestHandler {
  return function requestWatch(req, res, next) {
    const at = clock.now();
    const startedAt = performance.now();
    // The routers shorten the path while they look for the route.
    const path = loggedPathOf(req);
    const { socket } = req;
    const writtenBefore = socket.bytesWritten;
    // Read now, because a connection that has gone does not know its peer any more.
    clientSubject(req);
    res.once('close', () => {
      const served: ServedRequest = {
        at,
        method: req.method,
        pattern: patternOf(req),
        path,
        routeClass: routeClassOf(req),
        status: res.statusCode,
        aborted: !res.writableFinished,
        durationMs: performance.now() - startedAt,
        waited: res.locals['waited'] === true,
        bytes: Math.max(0, socket.bytesWritten - writtenBefore),
        userId: res.locals['actingUserId'] as string | undefined,
        requestId: String(res.locals['requestId'] ?? ''),
        req,
      };
      for (const observe of observers) observe(served);
    });
    next();
  };
}

function patternOf(req: Request): string | undefined {
  const path: unknown = req.route?.path;
  return typeof path === 'string' ? path : undefined;
}
