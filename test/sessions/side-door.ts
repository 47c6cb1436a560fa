import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import type { Infrastructure } from '../../src/boot/connect.ts';
import { toKnownFailure } from '../../src/boot/known-failures.ts';
import type { Services } from '../../src/compose.ts';
import { createCsrf } from '../../src/http/csrf.ts';
import { createErrorHandler } from '../../src/http/error-handler.ts';
import { findCurrentSession } from '../../src/sessions/current-session.ts';
import type { Database } from '../../src/storage/database.ts';
import { readRoutePolicy } from '../support/route-policies.ts';

/** A signed-in browser. */
export interface SignedIn {
  readonly sid: string;
  readonly cookie: string;
  readonly csrfToken: string;
}

export interface SideDoorAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * A second door into a running test server: the same services, stores and middleware, with pages that the server has
 * not got. One signs in without the cost of a password, one is slow and changes its session, one says who asks.
 */
export interface SideDoor {
  signIn(userId: string, options?: SignInOptions): Promise<SignedIn>;
  /** Asks for `/who`; 401 JSON where the session does not count. */
  who(browser: Pick<SignedIn, 'cookie'>): Promise<SideDoorAnswer>;
  /** A request that changes its session, in flight: it has loaded the session and waits to be let go. */
  writeSlowly(browser: SignedIn, when: 'before waiting' | 'after waiting'): Promise<SlowRequest>;
  close(): Promise<void>;
}

export interface SignInOptions {
  /** The cookie that the browser has already. */
  readonly cookie?: string;
  readonly userAgent?: string;
  /** Asked as sign-in asks it, once the session is stored. */
  readonly credentialsValid?: () => Promise<boolean>;
}

export interface SlowRequest {
  finish(): Promise<SideDoorAnswer>;
}

export async function openSideDoor({
  services,
  infrastructure,
}: {
  readonly services: Services;
  readonly infrastructure: Pick<Infrastructure, 'database'>;
}): Promise<SideDoor> {
  const waiting = new Map<
    string,
    { arrived: PromiseWithResolvers<void>; gate: PromiseWithResolvers<void> }
  >();
  const welcomes = new Map<string, () => Promise<boolean>>();
  let serial = 0;

  const app = express();
  app.set('query parser', 'simple');
  app.use(readRoutePolicy);
  app.use(services.sessions.loadSession);
  // Like the login page, signing in is for anyone: its path is one of the contract's forms.
  app.use(services.sessions.expiry.middleware);
  app.use(createCsrf(services.sessions.visitorSecret));
  app.get('/auth/login/side-door', async (req, res) => {
    const userId = String(req.query['userId']);
    const user = { userId, username: userId, role: 'user' as const };
    const welcome = welcomes.get(String(req.query['welcome'])) ?? (() => Promise.resolve(true));
    const outcome = await services.sessions.lifecycle.signIn(req, res, user, welcome);
    res.json({ outcome, sid: req.sessionID, csrfToken: req.csrfToken() });
  });
  app.get('/who', (req, res) => void res.json(findCurrentSession(req) ?? {}));
  app.get('/slow', async (req, res) => {
    const request = waiting.get(String(req.query['id']));
    if (req.query['when'] === 'before waiting') req.session.address = '192.0.2.99';
    request?.arrived.resolve();
    await request?.gate.promise;
    if (req.query['when'] === 'after waiting') req.session.address = '192.0.2.99';
    res.json({ changed: true });
  });
  app.use(createErrorHandler(services.log, toKnownFailure));

  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function ask(path: string, headers: Readonly<Record<string, string>>) {
    const response = await fetch(origin + path, { headers: { accept: 'application/json', ...headers } });
    const body = (await response.json()) as Record<string, unknown>;
    return { status: response.status, body, cookie: response.headers.getSetCookie()[0]?.split(';')[0] ?? '' };
  }

  return {
    async signIn(userId, { cookie = '', userAgent = 'Side door', credentialsValid } = {}) {
      serial += 1;
      await addUserOnce(infrastructure.database, userId);
      if (credentialsValid !== undefined) welcomes.set(String(serial), credentialsValid);
      const path = `/auth/login/side-door?userId=${userId}&welcome=${serial}`;
      const answer = await ask(path, { cookie, 'user-agent': userAgent });
      if (answer.body['outcome'] !== 'signed_in')
        throw new Error(`Signing in answered ${answer.status} ${JSON.stringify(answer.body)}`);
      return {
        sid: String(answer.body['sid']),
        csrfToken: String(answer.body['csrfToken']),
        cookie: answer.cookie,
      };
    },
    async who({ cookie }) {
      const { status, body } = await ask('/who', { cookie });
      return { status, body };
    },
    async writeSlowly({ cookie }, when) {
      serial += 1;
      const request = { arrived: Promise.withResolvers<void>(), gate: Promise.withResolvers<void>() };
      waiting.set(String(serial), request);
      const answer = ask(`/slow?id=${serial}&when=${encodeURIComponent(when)}`, { cookie });
      answer.catch(() => undefined);
      await Promise.race([request.arrived.promise, answer]);
      return {
        finish() {
          request.gate.resolve();
          return answer;
        },
      };
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Who is not in the database has no session that counts. */
async function addUserOnce({ db }: Database, id: string): Promise<void> {
  const names = { username: id, username_key: id, email: `${id}@example.com` };
  await db
    .insertInto('users')
    .values({ id, ...names, password_hash: '', role: 'user', disabled: 0, created_at: 0 })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
