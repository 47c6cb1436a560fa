import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler } from 'express';
import { Store } from 'express-session';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCsrf } from '../../src/http/csrf.ts';
import { regenerateSession, saveSession } from '../../src/sessions/express-session-promises.ts';
import { createSessionCookie } from '../../src/sessions/session-cookie.ts';
import { createSessionIdIssuer } from '../../src/sessions/session-id-issuer.ts';
import { createSessionMiddleware } from '../../src/sessions/session-middleware.ts';
import { createVisitorIds } from '../../src/sessions/visitor-ids.ts';
import { readRoutePolicy } from '../support/route-policies.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { TEST_SECRETS } from '../support/test-server.ts';
import { createVisitor, type Visitor } from '../support/visitor.ts';

/** Whoever asks it for anything has failed the test. */
class Untouchable extends Store {
  readonly calls: string[] = [];

  override get(_sid: string, callback: (error: unknown) => void): void {
    this.calls.push('get');
    callback(new Error('get'));
  }
  override set(_sid: string, _session: unknown, callback?: (error: unknown) => void): void {
    this.calls.push('set');
    callback?.(new Error('set'));
  }
  override destroy(_sid: string, callback?: (error: unknown) => void): void {
    this.calls.push('destroy');
    callback?.(new Error('destroy'));
  }
}

describe('the session of a visitor', () => {
  let store: Untouchable;
  let visitor: Visitor;
  let close: () => void;

  beforeEach(async () => {
    store = new Untouchable();
    const secrets = [TEST_SECRETS.SESSION_SECRET];
    const visitorIds = createVisitorIds({ secrets, clock: createSettableClock('2026-11-23T10:00:00+05:30') });
    const ids = createSessionIdIssuer(visitorIds);
    const storage = { activeStore: store, passiveStore: store };
    const app = express();
    app.use(readRoutePolicy);
    app.use(
      createSessionMiddleware({
        storage,
        ids,
        secrets,
        cookie: createSessionCookie({ https: false, cookieDomain: undefined }),
      }),
    );
    app.use(express.urlencoded({ extended: false }));
    app.use(createCsrf(visitorIds.formSecretOf));
    app.get('/auth/login', (req, res) => void res.send(form(req.csrfToken())));
    app.get('/auth/login/replaced', async (req, res) => {
      await regenerateSession(req);
      res.send(form(req.csrfToken()));
    });
    app.get('/auth/login/laden', async (req, res) => {
      Object.assign(req.session, { address: '192.0.2.1' });
      await saveSession(req);
      res.send('saved');
    });
    app.post('/auth/login', (_req, res) => void res.send('taken'));
    app.use(sayWhatFailed);
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    visitor = createVisitor(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    close = () => {
      server.closeAllConnections();
      server.close();
    };
  });
  afterEach(() => close());

  const form = (token: string) => `<input type="hidden" name="_csrf" value="${token}">`;

  it('carries a form from page to page, and is looked for and kept nowhere', async () => {
    for (let each = 0; each < 3; each += 1) expect((await visitor.submit('/auth/login')).text).toBe('taken');
    expect(store.calls).toEqual([]);
  });

  it('carries the forms of a session that took its place', async () => {
    expect((await visitor.submit('/auth/login', {}, '/auth/login/replaced')).text).toBe('taken');
    expect(store.calls).toEqual([]);
  });

  it('says so instead of losing what somebody writes into it', async () => {
    const answer = await visitor.get('/auth/login/laden');
    expect(answer.text).toContain('stored nowhere');
  });
});

const sayWhatFailed: ErrorRequestHandler = (error: Error, _req, res, _next) => {
  if (!res.headersSent) res.status(500).send(error.message);
};
