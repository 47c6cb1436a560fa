import { type RequestHandler, Router } from 'express';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../errors.ts';
import { clientAddress } from '../http/client-address.ts';
import { methods } from '../http/methods.ts';
import { type RoutePolicy, routeClassOf } from '../http/route-policy.ts';
import type { EpochStore } from '../revocation/epoch-store.ts';
import { currentSession } from '../sessions/current-session.ts';
import { type OwningKey, ownerByKey, ownerBySession } from '../sessions/socket-owner.ts';
import { createAsyncApiDocument } from './asyncapi-document.ts';
import type { OpenSocket } from './handshake.ts';
import { SOCKET_PATH } from './socket-path.ts';

const DOCUMENT_PATH = '/api/v1/asyncapi.json';

/** A browser's handshake does not move the idle clock, and neither does what the socket carries. */
export const FEED_ROUTES: readonly RoutePolicy[] = [
  { path: SOCKET_PATH, class: 'poll' },
  { path: DOCUMENT_PATH, class: 'api' },
];

/** A handshake with an API key is a call of the API: no session is looked at, and the key's gate counts it. */
const PROGRAM_POLICY: RoutePolicy = { path: SOCKET_PATH, class: 'api', limit: 'own' };

export interface FeedRouteDeps {
  readonly openSocket: OpenSocket;
  readonly epochs: EpochStore;
  readonly clock: Clock;
  /** BASE_URL. */
  readonly publicOrigin: string;
  /** Of the session. */
  readonly cookieName: string;
  /** Whether the request carries an API key, valid or not. */
  readonly showsKey: Parameters<typeof createPolicyChooser>[0];
  /** Throws `invalid` for a key, token or ticket in the address, also beside one in a header. */
  readonly refuseKeyInAddress: (req: Parameters<RequestHandler>[0]) => void;
  /** The door of the API, for keys with the scope `feed:read`. */
  readonly admitKey: (...args: Parameters<RequestHandler>) => Promise<OwningKey>;
}

/** Behind the reader of route policies, which knows a path and no headers. */
export function createPolicyChooser(
  showsKey: (req: Parameters<RequestHandler>[0]) => boolean,
): RequestHandler {
  return function choosePolicy(req, _res, next) {
    if (req.path === SOCKET_PATH && showsKey(req)) req.routePolicy = PROGRAM_POLICY;
    next();
  };
}

/** In front of the session: what programs ask for. */
export function createProgramRouter(deps: FeedRouteDeps): Router {
  const router = Router({ caseSensitive: true });
  const body = JSON.stringify(createAsyncApiDocument(deps));
  router.all(SOCKET_PATH, createEntry(deps));
  methods(router, DOCUMENT_PATH, {
    get: (_req, res) => void res.set('Cache-Control', 'private, no-cache').type('json').send(body),
  });
  return router;
}

/** Lets in a program with its key, and turns a page of another site away. */
function createEntry(deps: FeedRouteDeps): RequestHandler {
  const { openSocket, epochs, clock, publicOrigin, refuseKeyInAddress, admitKey } = deps;
  return async function enterFeed(req, res, next) {
    if (req.method !== 'GET') return next();
    refuseKeyInAddress(req);
    if (routeClassOf(req) !== 'api') {
      // Browsers send it with each handshake, and no cookie's SameSite holds for sockets (ASVS 4.4.2).
      if (req.headers.upgrade === undefined || req.get('origin') === publicOrigin) return next();
      throw new AppError('csrf', FOREIGN);
    }
    const key = await admitKey(req, res, next);
    const epoch = await epochs.current(key.userId);
    const use = { address: clientAddress(req), scope: 'feed:read', epoch, at: clock.now() } as const;
    await openSocket(req, res, ownerByKey(key, use));
  };
}

const FOREIGN =
  'A socket is opened by a page of this server, whose Origin is BASE_URL, or by a program with an API key in a header.';

export function createFeedRouter({ openSocket }: FeedRouteDeps): Router {
  const router = Router({ caseSensitive: true });
  methods(router, SOCKET_PATH, {
    get: (req, res) => openSocket(req, res, ownerBySession(currentSession(req))),
  });
  return router;
}
