import express, { type ErrorRequestHandler } from 'express';
import session from 'express-session';
import supertest from 'supertest';
import { beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { createCsrf } from '../../src/http/csrf.ts';
import { readRoutePolicy } from '../support/route-policies.ts';

const sayCode: ErrorRequestHandler = (error, _req, res, _next) => {
  res
    .status(error instanceof AppError ? error.status : 500)
    .send(error instanceof AppError ? error.code : String(error));
};

function createApp(): express.Express {
  const app = express();
  app.use(readRoutePolicy);
  app.set('query parser', 'simple');
  app.use(session({ secret: 'a'.repeat(32), resave: false, saveUninitialized: false }));
  app.use(express.urlencoded({ extended: false }), express.json());
  app.use(createCsrf((sid) => `secret of ${sid}`));
  app.get('/dashboard', (req, res) => void res.send(req.csrfToken()));
  app.use((_req, res) => void res.send('done'));
  app.use(sayCode);
  return app;
}

describe('a form', () => {
  let app: express.Express;
  let browser: ReturnType<typeof supertest.agent>;
  let token: string;

  beforeEach(async () => {
    app = createApp();
    browser = supertest.agent(app);
    token = (await browser.get('/dashboard')).text;
  });

  it('is taken with the token of its session, in the field or in the header', async () => {
    expect((await browser.post('/dashboard').type('form').send({ _csrf: token })).text).toBe('done');
    expect((await browser.post('/dashboard').send({ _csrf: token })).text).toBe('done');
    expect((await browser.post('/dashboard').set('X-CSRF-Token', token)).text).toBe('done');
  });

  it('is taken with any token of its session: two tabs', async () => {
    const other = (await browser.get('/dashboard')).text;
    expect(other).not.toBe(token);
    expect((await browser.post('/dashboard').type('form').send({ _csrf: token })).text).toBe('done');
    expect((await browser.post('/dashboard').type('form').send({ _csrf: other })).text).toBe('done');
  });

  it.each<[string, (good: string) => Record<string, unknown>]>([
    ['no token', () => ({})],
    ['an empty one', () => ({ _csrf: '' })],
    ['a made-up one', () => ({ _csrf: 'abcdefgh-0123456789012345678' })],
    ['a cut one', (good) => ({ _csrf: good.slice(0, -1) })],
    ['two', (good) => ({ _csrf: [good, good] })],
    ['one that is no text', (good) => ({ _csrf: { toString: good } })],
    ['null', () => ({ _csrf: null })],
  ])('is refused with %s', async (_what, fields) => {
    const answer = await browser.post('/dashboard').send(fields(token));
    expect(answer.status).toBe(403);
    expect(answer.text).toBe('csrf');
  });

  it('is refused with the token of another session', async () => {
    const foreign = (await supertest.agent(app).get('/dashboard')).text;
    expect((await browser.post('/dashboard').type('form').send({ _csrf: foreign })).text).toBe('csrf');
  });

  it('is refused with the token in the address', async () => {
    const path = `/dashboard?_csrf=${encodeURIComponent(token)}`;
    expect((await browser.post(path).type('form').send({})).text).toBe('csrf');
  });

  it.each(['put', 'patch', 'delete'] as const)('is refused for %s without a token', async (method) => {
    expect((await browser[method]('/dashboard')).text).toBe('csrf');
  });

  it('of anybody is held to it as well: signing in, setting up, signing out', async () => {
    for (const path of ['/auth/login', '/auth/login/totp', '/setup', '/auth/logout', '/sandbox/authorize'])
      expect((await browser.post(path).type('form').send({})).text, path).toBe('csrf');
  });

  it('makes no session where no form is', async () => {
    for (const path of [
      '/',
      '/api/v1/x',
      '/assets/x',
      '/healthz',
      '/auth/broker/x/callback',
      '/auth/session',
    ])
      expect((await supertest(app).get(path)).headers['set-cookie'], path).toBeUndefined();
  });
});
