import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import supertest from 'supertest';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import {
  createRequestWatch,
  type ServedRequest,
  setActingUser,
  setWaited,
} from '../../src/http/request-watch.ts';
import { eventually } from '../support/eventually.ts';
import { readRoutePolicy } from '../support/route-policies.ts';

function start() {
  const served: ServedRequest[] = [];
  const app = express();
  app.use(readRoutePolicy);
  app.use(createRequestWatch({ clock: systemClock, observers: [(request) => served.push(request)] }));
  const router = express.Router();
  router.get('/strategies/:id', (_req, res) => {
    setActingUser(res, 'user-1');
    res.send('x'.repeat(1000));
  });
  router.get('/never', () => undefined);
  router.get('/waits', (_req, res) => {
    setWaited(res);
    res.send();
  });
  app.use(router);
  return { app, served };
}

it('tells of a request by its route, whose it was, and how much was sent', async () => {
  const { app, served } = start();
  await supertest(app).get('/strategies/7?token=hunter2');
  await supertest(app).get('/nothing');
  expect(served).toMatchObject([
    {
      method: 'GET',
      pattern: '/strategies/:id',
      path: '/strategies/7',
      routeClass: 'guarded',
      status: 200,
      aborted: false,
      userId: 'user-1',
    },
    { pattern: undefined, path: '/nothing', status: 404, userId: undefined },
  ]);
  expect(served[0]?.bytes).toBeGreaterThan(1000);
  expect(served[0]?.bytes).toBeLessThan(1500);
});

it('tells which answers waited on purpose', async () => {
  const { app, served } = start();
  await supertest(app).get('/waits');
  await supertest(app).get('/strategies/7');
  expect(served.map(({ waited }) => waited)).toEqual([true, false]);
});

it('tells of a request whose client went away', async () => {
  const { app, served } = start();
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = new AbortController();
  const request = fetch(`http://127.0.0.1:${port}/never`, { signal: client.signal });
  await once(server, 'request');
  client.abort();
  await expect(request).rejects.toThrow();
  await eventually(() => expect(served).toMatchObject([{ pattern: '/never', aborted: true }]));
  // Its address is still known.
  expect(served[0]?.req.socket.remoteAddress).toBe('127.0.0.1');
  server.close();
});
