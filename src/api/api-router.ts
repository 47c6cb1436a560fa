import { hash } from 'node:crypto';
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import { invalid } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { methods } from '../http/methods.ts';
import { pass } from '../http/pass.ts';
import { setWaited } from '../http/request-watch.ts';
import type { RoutePolicy } from '../http/route-policy.ts';
import type { Endpoint } from './endpoint.ts';
import type { KeyGate } from './key-gate.ts';
import type { OpenApiDocument } from './openapi-document.ts';
import type { WaitingCalls } from './waiting-calls.ts';

export interface ApiRouterDeps {
  readonly endpoints: readonly Endpoint[];
  readonly gate: KeyGate;
  readonly waiting: Pick<WaitingCalls, 'add'>;
  readonly document: OpenApiDocument;
  /** CORS_ORIGINS. */
  readonly corsOrigins: readonly string[];
}

const ROOT = '/api/v1';

/** The API has keys of its own: it counts callers when it knows them. */
export const API_ROUTES: readonly RoutePolicy[] = [
  { path: '/api', below: true, class: 'api', showsViewer: true },
  { path: ROOT, below: true, class: 'api', limit: 'own' },
  { path: `${ROOT}/openapi.json`, class: 'api' },
];

/** Everything below `/api`: programs with a key, no session, no cookie. */
export function createApiRouter(deps: ApiRouterDeps): Router {
  const { endpoints, document, corsOrigins } = deps;
  const router = Router({ caseSensitive: true });
  router.use(ROOT, createCors({ origins: corsOrigins }));
  for (const endpoint of endpoints) {
    methods(router, ROOT + endpoint.path, { [endpoint.method]: createHandler(endpoint, deps) });
  }
  methods(router, `${ROOT}/openapi.json`, { get: createDocumentHandler(document) });
  return router;
}

const parseJson = express.json({ limit: '4kb' });

/** Behind the key: a stranger's body is not read. */
async function readJson(req: Request, res: Response): Promise<void> {
  if (!req.is('application/json'))
    throw invalid({ body: 'must be JSON, with Content-Type: application/json' });
  await pass(parseJson, req, res);
}

function createHandler(endpoint: Endpoint, { gate, waiting }: ApiRouterDeps): RequestHandler {
  return async function answerProgram(req, res) {
    res.set('Cache-Control', 'no-store');
    if (endpoint.waits) setWaited(res);
    const caller = await gate.admit(req, res, endpoint.scope);
    if (endpoint.body !== undefined) await readJson(req, res);
    const data = await endpoint.answer({
      caller,
      origin: auditOrigin(req, res, caller.username),
      params: req.params,
      query: req.query,
      body: req.body,
      isHead: req.method === 'HEAD',
      abort: whenOver(res, caller.userId),
    });
    // The key may have ended during the wait.
    if (endpoint.waits) await gate.admitAgain(req, res, endpoint.scope);
    if (req.method !== 'HEAD') res.once('finish', () => endpoint.onSent?.(caller, data));
    const body = JSON.stringify({ status: 'success', data });
    if (endpoint.etag) sendUnlessKnown(req, res, body);
    else res.type('json').send(body);
  };

  /** The client has gone, or a key of this person was revoked, and waiting any longer is of no use. */
  function whenOver(res: Response, userId: string): AbortSignal {
    const controller = new AbortController();
    const end = () => controller.abort();
    const leave = endpoint.waits ? waiting.add(userId, end) : undefined;
    res.once('close', () => {
      leave?.();
      end();
    });
    return controller.signal;
  }
}

/** For anyone: it says nothing that this page's readers would not find in the source. */
function createDocumentHandler(document: OpenApiDocument): RequestHandler {
  const body = JSON.stringify(document);
  return function answerDocument(req, res) {
    sendUnlessKnown(req, res, body);
  };
}

/**
 * 304 where the client says that it has this very body (RFC 9110, 13.1.2). Express would ask for no more than that either,
 * but takes the `Cache-Control: no-cache` that fetch adds by itself to such a request for a wish to be sent it anyway.
 */
function sendUnlessKnown(req: Request, res: Response, body: string): void {
  const etag = `"${hash('sha256', body, 'base64url')}"`;
  const known = (req.get('if-none-match') ?? '').split(',').map((each) => each.trim().replace(/^W\//, ''));
  res.set({ ETag: etag, 'Cache-Control': 'private, no-cache' });
  if (known.includes(etag) || known.includes('*')) return void res.status(304).end();
  res.type('json').send(body);
}

/** Headers of an answer that a page may read besides its body. */
const EXPOSED = 'ETag, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id';
const ALLOWED_HEADERS = 'Authorization, Content-Type, X-API-Key';
const ALLOWED_METHODS = 'GET, HEAD, POST';
const PREFLIGHT_KEPT_SECONDS = 600;

/**
 * Lets pages of the origins in CORS_ORIGINS call the API (ASVS 3.4.2): compared as a whole, never by a pattern, and without
 * credentials, since the API has no cookies. A page of any other origin gets an answer that its browser keeps from it.
 */
function createCors({ origins }: { readonly origins: readonly string[] }): RequestHandler {
  const allowed = new Set(origins);
  return function cors(req, res, next) {
    // Also for those who are not let in: a cache between must not give one origin's answer to another.
    res.vary('Origin');
    const origin = req.get('origin');
    if (origin === undefined || !allowed.has(origin)) return next();
    res.set('Access-Control-Allow-Origin', origin);
    res.set('Access-Control-Expose-Headers', EXPOSED);
    if (req.method === 'OPTIONS' && req.get('access-control-request-method') !== undefined) {
      res.set('Access-Control-Allow-Methods', ALLOWED_METHODS);
      res.set('Access-Control-Allow-Headers', ALLOWED_HEADERS);
      res.set('Access-Control-Max-Age', String(PREFLIGHT_KEPT_SECONDS));
    }
    next();
  };
}
