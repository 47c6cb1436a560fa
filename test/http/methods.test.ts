import express, { type ErrorRequestHandler, Router } from 'express';
import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { methods } from '../../src/http/methods.ts';

const router = Router();
methods(router, '/page', {
  get: (_req, res) => void res.send('got'),
  post: (_req, res) => void res.send('posted'),
});
methods(router, '/steps', {
  post: [
    (_req, res, next) => {
      res.locals['first'] = 'first';
      next();
    },
    (_req, res) => void res.send(`${String(res.locals['first'])} then second`),
  ],
});
methods(router, '/broken', { get: () => Promise.reject(new Error('broken')) });

const app = express();
app.use(router);
const tellError: ErrorRequestHandler = (error, _req, res, _next) => {
  if (!(error instanceof AppError)) return void res.status(500).send('failed');
  res.status(error.status).set(error.headers).send(error.code);
};
app.use(tellError);

describe('a path', () => {
  it('answers the methods that it has', async () => {
    expect((await supertest(app).get('/page')).text).toBe('got');
    expect((await supertest(app).post('/page')).text).toBe('posted');
    expect((await supertest(app).head('/page')).status).toBe(200);
  });

  it.each(['put', 'patch', 'delete', 'trace', 'propfind'] as const)(
    'refuses %s with what it takes',
    async (method) => {
      const answer = await supertest(app)[method]('/page');
      expect(answer.status).toBe(405);
      expect(answer.headers['allow']).toBe('GET, HEAD, POST');
      expect(answer.text).toBe('method_not_allowed');
    },
  );

  it('refuses GET and HEAD where it only takes forms', async () => {
    for (const answer of [await supertest(app).get('/steps'), await supertest(app).head('/steps')]) {
      expect(answer.status).toBe(405);
      expect(answer.headers['allow']).toBe('POST');
    }
  });

  it('tells OPTIONS what it takes', async () => {
    const answer = await supertest(app).options('/page');
    expect(answer.status).toBe(204);
    expect(answer.headers['allow']).toBe('GET, HEAD, POST');
  });

  it('goes through several steps in order', async () => {
    expect((await supertest(app).post('/steps')).text).toBe('first then second');
  });

  it('passes a rejected promise to the error handler', async () => {
    expect((await supertest(app).get('/broken')).text).toBe('failed');
  });
});
