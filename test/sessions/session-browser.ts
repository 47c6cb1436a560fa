import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type Request } from 'express';
import type { Clock } from '../../src/core/clock.ts';
import { toIstIso } from '../../src/core/ist.ts';
import { regenerateSession, saveSession } from '../../src/sessions/express-session-promises.ts';
import { readRoutePolicy } from '../support/route-policies.ts';
import '../../src/sessions/session-data.ts';
import { createSessionCookie } from '../../src/sessions/session-cookie.ts';
import { createSessionIdIssuer } from '../../src/sessions/session-id-issuer.ts';
import { createSessionMiddleware } from '../../src/sessions/session-middleware.ts';
import type { SessionStorage } from '../../src/sessions/session-storage.ts';
import { createVisitorIds } from '../../src/sessions/visitor-ids.ts';
import { TEST_SECRETS } from '../support/test-server.ts';

/** What a page of the harness says of the session that it was asked with. */
export interface Seen {
  readonly sid: string;
  readonly userId: string | null;
  readonly note: string | null;
  /** The name of the error that saving met. */
  readonly failed?: string;
}

export interface SignInOptions {
  readonly userId: string;
  readonly epoch?: number;
}

/** A device with a cookie, at the smallest server that runs express-session with the real middleware. */
export interface Device {
  readonly sid: string;
  readonly cookie: string;
  /** An ordinary request. */
  look(): Promise<Seen>;
  /** A request that a script makes every so often. */
  poll(): Promise<Seen>;
  /** Changes the session. */
  write(note: string): Promise<Seen>;
  /** Loads the session, waits until it is let go, then changes the session and saves it. */
  writeSlowly(note: string): Promise<{ finish(): Promise<Seen> }>;
}

export interface Harness {
  signIn(options: SignInOptions): Promise<Device>;
  /** Somebody who opens a form, and has not signed in. */
  visit(): Promise<Device>;
  close(): Promise<void>;
}

/** `/auth/session` is a polling address; everything else here is an ordinary page. */
export async function startHarness(storage: SessionStorage, clock: Clock): Promise<Harness> {
  const secrets = [TEST_SECRETS.SESSION_SECRET];
  const ids = createSessionIdIssuer(createVisitorIds({ secrets, clock }));
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const arrivals = new Map<string, PromiseWithResolvers<void>>();
  let serial = 0;
  const nextNumber = () => {
    serial += 1;
    return serial;
  };

  const app = express();

  app.use(readRoutePolicy);
  app.set('query parser', 'simple');
  app.use(
    createSessionMiddleware({
      storage,
      ids,
      secrets,
      cookie: createSessionCookie({ https: false, cookieDomain: undefined }),
    }),
  );
  app.get('/sign-in', async (req, res) => {
    const userId = String(req.query['userId']);
    const epoch = Number(req.query['epoch']);
    const loginTime = clock.now();
    ids.nextIsFor(req, userId, loginTime);
    await regenerateSession(req);
    Object.assign(req.session, {
      userId,
      username: userId,
      role: 'user',
      epoch,
      loginTime: toIstIso(loginTime),
      deviceId: `device-${nextNumber()}`,
      userAgent: req.get('user-agent') ?? '',
      address: '192.0.2.1',
    });
    await storage.registry.register({ sid: req.sessionID, userId, epoch, loginTime });
    await saveSession(req);
    res.json(describe(req));
  });
  app.get('/write', (req, res) => {
    req.session.csrfSecret = String(req.query['note']);
    res.json(describe(req));
  });
  app.get('/slow', async (req, res) => {
    const id = String(req.query['id']);
    arrivals.get(id)?.resolve();
    await gates.get(id)?.promise;
    req.session.csrfSecret = String(req.query['note']);
    await saveSession(req);
    res.json(describe(req));
  });
  app.get('/{*page}', (req, res) => void res.json(describe(req)));
  app.use(sayWhatFailed);

  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function ask(path: string, cookie = ''): Promise<{ seen: Seen; cookie: string }> {
    const response = await fetch(origin + path, { headers: { cookie, 'user-agent': 'Harness/1.0' } });
    const set = response.headers.getSetCookie()[0]?.split(';')[0];
    return { seen: (await response.json()) as Seen, cookie: set ?? cookie };
  }

  async function begin(path: string): Promise<Device> {
    const { seen, cookie } = await ask(path);
    if (seen.failed !== undefined) throw new Error(`${path} failed: ${seen.failed}`);
    const page = async (asked: string) => (await ask(asked, cookie)).seen;
    return {
      sid: seen.sid,
      cookie,
      look: () => page('/look'),
      poll: () => page('/auth/session'),
      write: (note) => page(`/write?note=${note}`),
      async writeSlowly(note) {
        const id = String(nextNumber());
        const gate = Promise.withResolvers<void>();
        const arrival = Promise.withResolvers<void>();
        gates.set(id, gate);
        arrivals.set(id, arrival);
        const answer = page(`/slow?id=${id}&note=${note}`);
        answer.catch(() => undefined);
        await Promise.race([arrival.promise, answer]);
        return {
          finish() {
            gate.resolve();
            return answer;
          },
        };
      },
    };
  }

  return {
    signIn: ({ userId, epoch = 0 }) => begin(`/sign-in?userId=${userId}&epoch=${epoch}`),
    visit: () => begin('/write?note=form'),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function describe(req: Request): Seen {
  const { userId, csrfSecret } = req.session;
  return { sid: req.sessionID, userId: userId ?? null, note: csrfSecret ?? null };
}

const sayWhatFailed: ErrorRequestHandler = (error: Error, req, res, _next) => {
  if (res.headersSent) return;
  res.status(500).json({ sid: req.sessionID ?? '', userId: null, note: null, failed: error.name });
};
