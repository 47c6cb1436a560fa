import express, { type ErrorRequestHandler } from 'express';
import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { createSameOrigin } from '../../src/http/same-origin.ts';
import { readRoutePolicy } from '../support/route-policies.ts';

const BASE_URL = 'https://curfew.example.com';

const told: object[] = [];
const app = express();

app.use(readRoutePolicy);
app.use(createSameOrigin(BASE_URL, { warn: (facts) => void told.push(facts) }));
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

describe('a form of this very server, opened under another name than BASE_URL', () => {
  const server = express()
    .use(readRoutePolicy)
    .use(createSameOrigin(BASE_URL, { warn: (facts) => void told.push(facts) }));
  const sayMessage: ErrorRequestHandler = (error, _req, res, _next) => void res.send(String(error.message));
  server.use(sayMessage);
  const messageTo = async (headers: Record<string, string>) =>
    (await supertest(server).post('/setup').set(headers)).text;

  it.each<[string, Record<string, string>]>([
    ['by Fetch Metadata', { Origin: 'https://x.ngrok.app', 'Sec-Fetch-Site': 'same-origin' }],
    ['by its Host header', { Origin: 'http://192.168.1.5:5000', Host: '192.168.1.5:5000' }],
  ])('is refused with BASE_URL and that name, on the page and once in the log: %s', async (_how, headers) => {
    told.length = 0;
    const message = await messageTo(headers);
    expect(message).toContain(`opened at ${headers['Origin']}`);
    expect(message).toContain(`BASE_URL=${headers['Origin']}`);
    await messageTo(headers);
    expect(told).toEqual([{ origin: headers['Origin'], baseUrl: BASE_URL }]);
  });

  it('is not told apart from another site by what that site sends', async () => {
    expect(await messageTo({ Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' })).toBe(
      'This request came from another site and was not carried out.',
    );
  });
});

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
