import express, { type ErrorRequestHandler } from 'express';
import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { createSameOrigin } from '../../src/http/same-origin.ts';
import { readRoutePolicy } from '../support/route-policies.ts';

const BASE_URL = 'https://curfew.example.com';

const app = express();

app.use(readRoutePolicy);
app.use(createSameOrigin(BASE_URL));
app.use((_req, res) => void res.send('done'));
const sayCode: ErrorRequestHandler = (error, _req, res, _next) => {
  res
    .status(error instanceof AppError ? error.status : 500)
    .send(error instanceof AppError ? error.code : 'bug');
};
app.use(sayCode);

async function post(headers: Record<string, string>, path = '/auth/logout'): Promise<string> {
  return (await supertest(app).post(path).set(headers)).text;
}

describe('a state change', () => {
  it.each<[string, Record<string, string>]>([
    ['this origin', { Origin: BASE_URL, 'Sec-Fetch-Site': 'same-origin' }],
    ['this origin, in a browser without Fetch Metadata', { Origin: BASE_URL }],
    ['the address bar', { 'Sec-Fetch-Site': 'none' }],
    ['a program that is no browser', {}],
  ])('is let through from %s', async (_from, headers) => {
    expect(await post(headers)).toBe('done');
  });

  it.each<[string, Record<string, string>]>([
    ['another site', { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }],
    ['another site, without Fetch Metadata', { Origin: 'https://evil.example' }],
    ['another site that hides where it is', { 'Sec-Fetch-Site': 'cross-site' }],
    [
      'a neighbour under the same domain',
      { Origin: 'https://blog.example.com', 'Sec-Fetch-Site': 'same-site' },
    ],
    ['a sandboxed frame', { Origin: 'null' }],
    ['this host without TLS', { Origin: 'http://curfew.example.com' }],
    ['this host on another port', { Origin: `${BASE_URL}:8443` }],
    ['a host whose name begins with ours', { Origin: `${BASE_URL}.evil.example` }],
    ['a lying pair', { Origin: BASE_URL, 'Sec-Fetch-Site': 'cross-site' }],
  ])('is refused from %s', async (_from, headers) => {
    expect(await post(headers)).toBe('csrf');
  });

  it.each(['put', 'patch', 'delete'] as const)('is refused for %s as well', async (method) => {
    const answer = await supertest(app)[method]('/dashboard').set('Origin', 'https://evil.example');
    expect(answer.status).toBe(403);
  });

  it('is the API’s own business, which has no cookies to abuse', async () => {
    expect(await post({ Origin: 'https://charts.example' }, '/api/v1/webhooks/x')).toBe('done');
  });
});

describe('a request that changes nothing', () => {
  it.each(['get', 'head', 'options'] as const)('is let through from anywhere: %s', async (method) => {
    const answer = await supertest(app)[method]('/dashboard').set('Origin', 'https://evil.example');
    expect(answer.status).toBe(200);
  });
});
