import express, { type Request, type RequestHandler, type Response } from 'express';
import type { SessionData } from 'express-session';
import { SYSTEM_ORIGIN } from '../../src/core/audit-event.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { findCurrentSession } from '../../src/sessions/current-session.ts';
import type { Subject } from './history.ts';
import { ADMIN, BROKER, type House, StoreAwayError, TRADER } from './house.ts';
import type { Parts } from './parts.ts';

export interface Visit {
  readonly method: 'GET' | 'POST';
  readonly role?: 'admin';
  readonly work: (req: Request) => Promise<unknown>;
}

export type Visits = ReturnType<typeof createVisits>;

/** Requests in their phases, through the middlewares of the server; with no more of Express than those look at. */
export function createVisits(parts: Pick<Parts, 'AppError' | 'SessionEndedError'>, house: House) {
  const { history, clock, acts, pause, store, expiry, roleGate, lifecycle } = house;

  function newRequest(method: string, sid?: string): Request {
    const req: Request = Object.create(express.request);
    return Object.assign(req, {
      method,
      url: '/',
      originalUrl: '/',
      headers: { accept: 'application/json' },
      complete: true,
      socket: { remoteAddress: '127.0.0.1' },
      app: { get: () => () => false },
      csrfToken: () => '',
      sessionStore: store,
      sessionID: sid,
    });
  }

  /** What express-session does with the cookie's id. */
  async function loadSession(req: Request): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<SessionData | null | undefined>();
    store.get(req.sessionID, (error: unknown, found) => (error ? reject(error) : resolve(found)));
    const found = await promise;
    if (found) store.createSession(req, found);
  }

  /** Resolves when the handler has answered, or what stands behind it has. */
  async function pass(handler: RequestHandler, req: Request, res: Response, next: () => Promise<unknown>) {
    const behind: Promise<unknown>[] = [];
    await handler(req, res, (error?: unknown) => void behind.push(error ? Promise.reject(error) : next()));
    await Promise.all(behind);
  }

  /** Tells whether the work was begun. */
  async function visit(subject: Subject, { method, role, work }: Visit): Promise<boolean> {
    const req = newRequest(method, subject.sid);
    Object.assign(req, { routePolicy: { path: '/', role } });
    const res = newResponse();
    let isBegun = false;

    async function beginWork(): Promise<void> {
      await pass(roleGate, req, res, async () => {
        isBegun = true;
        history.add({ kind: 'work_began', subject, request: req });
        await work(req);
      });
    }

    async function readBody(): Promise<void> {
      if (method === 'POST') {
        await pause(`the body of a form from ${subject.name}`);
        history.add({ kind: 'came_in', subject, request: req });
      }
      await pass(expiry.judgeAgain, req, res, beginWork);
    }

    try {
      await acts.run({ subject, needsAdmin: role === 'admin' }, async () => {
        if (method === 'GET') history.add({ kind: 'came_in', subject, request: req });
        await loadSession(req);
        await pass(expiry.middleware, req, res, readBody);
      });
    } catch (error) {
      if (!isExpected(error)) throw error;
      await pass((_req, _res, next) => expiry.endedInProgress(error, req, res, next), req, res, ignore).catch(
        expected,
      );
    }
    return isBegun;
  }

  const isExpected = (error: unknown): boolean =>
    error instanceof parts.SessionEndedError ||
    error instanceof parts.AppError ||
    error instanceof StoreAwayError;

  function expected(error: unknown): void {
    if (!isExpected(error)) throw error;
  }

  async function signIn(name: string, userId: string): Promise<Subject | undefined> {
    const req = newRequest('POST');
    const res = newResponse();
    await pass(house.giveSession, req, res, ignore);
    history.add({ kind: 'sign_in_asked', name });
    const user = { userId, username: userId, role: userId === ADMIN ? 'admin' : 'user' } as const;
    try {
      const outcome = await lifecycle.signIn(req, res, user, () => house.isWelcome(userId));
      const session = findCurrentSession(req);
      if (outcome === 'refused' || session === undefined) return undefined;
      const { sid, epoch, loginTime } = session;
      const subject = { name, userId, sid, epoch, loginTime };
      history.add({ kind: 'signed_in', subject });
      return subject;
    } catch (error) {
      expected(error);
      return undefined;
    }
  }

  /** The person comes back from the broker, which is asked for a token then. */
  async function exchange(subject: Subject): Promise<void> {
    await visit(subject, {
      method: 'GET',
      async work() {
        const { userId, sid = '', epoch } = subject;
        const current = await house.epochs.current(userId);
        const origin = { userId, broker: BROKER, sid, epoch: current, issuedAt: clock.now(), held: false };
        if (origin.epoch !== epoch) return;
        await pause(`the broker, for ${subject.name}`);
        const accessToken = `token ${clock.now()}`;
        const grant = { kind: 'granted', accessToken, expiresAt: clock.now() + DAY_MS } as const;
        await house.keepToken(grant, origin, subject);
      },
    });
  }

  return {
    signIn,
    isExpected,
    exchange,

    form: (subject: Subject, role?: 'admin') =>
      visit(subject, {
        method: 'POST',
        ...(role && { role }),
        async work() {
          await pause(`the hash of a password, for ${subject.name}`);
          await house.write('users', 'a form');
        },
      }),

    importSymbols: (subject: Subject) =>
      visit(subject, {
        method: 'POST',
        async work() {
          for (const part of ['first', 'second'])
            await house.writeTwice('symbols', `the ${part} batch of an import`);
        },
      }),

    /** Writes to its session, which express-session stores at the end. */
    pageThatWrites: (subject: Subject) =>
      visit(subject, {
        method: 'GET',
        async work(req) {
          Object.assign(req.session, { provedAt: clock.now() });
          await pause(`a page of ${subject.name}`);
          await new Promise<void>((resolve, reject) =>
            req.session.save((error: unknown) => (error ? reject(error) : resolve())),
          );
        },
      }),

    orderAbout: (admin: Subject) =>
      visit(admin, {
        method: 'POST',
        role: 'admin',
        work: () => lifecycle.endAccount(TRADER, 'ended_by_admin', SYSTEM_ORIGIN),
      }),

    logOut: (subject: Subject) =>
      visit(subject, {
        method: 'POST',
        work: () => lifecycle.endDevice(subject.userId, subject.sid ?? '', 'logged_out', SYSTEM_ORIGIN),
      }),

    logOutEverywhere: (subject: Subject) =>
      visit(subject, {
        method: 'POST',
        work: () => lifecycle.endAccount(subject.userId, 'logged_out_everywhere', SYSTEM_ORIGIN),
      }),

    async webhook(): Promise<void> {
      const subject = { name: 'a webhook', userId: TRADER, sid: undefined, epoch: 0, loginTime: clock.now() };
      history.add({ kind: 'came_in', subject, request: subject });
      await acts.run({ subject, needsAdmin: false }, () => house.intake('webhook', SIGNAL, SYSTEM_ORIGIN));
    },

    async look(subject: Subject): Promise<void> {
      const isIn = await visit(subject, { method: 'GET', work: ignore });
      history.add({ kind: 'looked', subject, isIn });
    },
  };
}

const ignore = (): Promise<void> => Promise.resolve();

const SIGNAL = {
  address: '127.0.0.1',
  timestamp: undefined,
  signature: undefined,
  body: Buffer.from('{"action":"buy"}'),
};

function newResponse(): Response {
  const res: Response = Object.create(express.response);
  const chain = (): Response => res;
  return Object.assign(res, {
    locals: {},
    set: chain,
    status: chain,
    json: chain,
    redirect: chain,
    once: chain,
  });
}
