import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import { createCanonicalHost } from '../../src/http/host-header.ts';
import { askFor } from './ask-for.ts';

function ask(baseUrl: string, host: string, method: 'get' | 'post' | 'head' = 'get') {
  const app = express();
  app.use(createCanonicalHost(baseUrl));
  app.use((_req, res) => void res.send('here'));
  return supertest(app)[method]('/broker?x=1').set('Host', host).redirects(0);
}

describe('somebody who typed another loopback name', () => {
  it.each([
    ['http://127.0.0.1:5000', 'localhost:5000'],
    ['http://127.0.0.1:5000', '[::1]:5000'],
    ['http://localhost:5000', '127.0.0.1:5000'],
  ])('is sent to %s from %s', async (baseUrl, host) => {
    const answer = await ask(baseUrl, host);
    expect(answer.status).toBe(307);
    expect(answer.headers['location']).toBe(`${baseUrl}/broker?x=1`);
    expect((await ask(baseUrl, host, 'head')).status).toBe(307);
  });

  it.each([
    ['http://127.0.0.1:5000', '127.0.0.1:5000'],
    ['http://127.0.0.1:5000', 'localhost:9999'],
    ['http://127.0.0.1:5000', 'evil.example:5000'],
    ['http://127.0.0.1:5000', 'localhost.evil.example:5000'],
    ['http://127.0.0.1:5000', 'not a host'],
    ['https://curfew.example.com', 'localhost'],
    ['https://curfew.example.com', 'evil.example'],
  ])('stays at %s when it is %j', async (baseUrl, host) => {
    expect((await ask(baseUrl, host)).text).toBe('here');
  });

  it.each([
    ['http://evil.example/', '/'],
    ['http://evil.example', '/'],
    ['http://localhost:5000/broker?x=1', '/broker?x=1'],
  ])('is sent to a path of ours when the request names all of %s', async (target, path) => {
    const app = express();
    app.use(createCanonicalHost('http://127.0.0.1:5000'));
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const answer = await askFor(port, `GET ${target} HTTP/1.1\r\nHost: localhost:5000\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 307 /);
      expect(/^Location: (.*)$/im.exec(answer)?.[1]).toBe(`http://127.0.0.1:5000${path}`);
    } finally {
      server.close();
    }
  });

  it('stays with a form: its fields would be lost or sent twice', async () => {
    expect((await ask('http://127.0.0.1:5000', 'localhost:5000', 'post')).text).toBe('here');
  });
});
