import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECOND_MS } from '../../src/core/duration.ts';
import { createBodyLimits } from '../../src/http/body-limits.ts';
import { createErrorHandler } from '../../src/http/error-handler.ts';
import { holdRequest } from '../support/held-request.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { createRecordingLog } from './recording-log.ts';

const MEBIBYTE = 1024 * 1024;

interface Flood {
  readonly status: number;
  readonly head: string;
  readonly sentBytes: number;
  readonly ms: number;
}

/** Sends a body without an end as fast as the server takes it, for 5 s at most. */
async function flood(
  origin: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Flood> {
  const { hostname, port, host } = new URL(origin);
  const socket = connect(Number(port), hostname);
  const startedAt = performance.now();
  let text = '';
  let sentBytes = 0;
  let open = true;
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  socket.on('error', () => undefined);
  socket.once('close', () => {
    open = false;
  });
  const lines = Object.entries({ Host: host, 'Transfer-Encoding': 'chunked', ...headers });
  socket.write(
    `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
  );
  const chunk = Buffer.from(`10000\r\n${'a'.repeat(65_536)}\r\n`);
  while (open && performance.now() - startedAt < 5 * SECOND_MS) {
    sentBytes += chunk.length;
    if (!socket.write(chunk)) await sleep(1);
  }
  const ms = performance.now() - startedAt;
  socket.destroy();
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0),
    head: text.split('\r\n\r\n')[0] ?? '',
    sentBytes,
    ms,
  };
}

describe('A body without an end', () => {
  let server: TestServer;
  let visitor: Visitor;

  beforeAll(async () => {
    server = await startTestServer();
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
  });
  afterAll(() => server.close());

  const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const PREAMBLE = { 'Content-Type': 'multipart/form-data; boundary=never' };

  it.each([
    ['the sign-in form', '/auth/login', FORM],
    [
      'a webhook',
      '/api/v1/webhooks/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
      { 'Content-Type': 'application/json' },
    ],
    ['the reports of browsers', '/csp-reports', { 'Content-Type': 'application/csp-report' }],
    ['a guarded form', '/settings', FORM],
    ['a path that there is not', '/nothing', FORM],
    ['the preamble of a form with a file', '/security/bans/import', PREAMBLE],
    ['a probe', '/healthz', FORM],
  ])('is refused at %s, and the connection is closed', async (_name, path, headers) => {
    const Cookie = `curfew=${visitor.sessionCookie()}`;
    const { status, head, sentBytes, ms } = await flood(server.origin, path, { ...headers, Cookie });
    // What was answered without a look at the body stays so.
    if (path !== '/healthz') expect(status).toBe(413);
    expect(head).toMatch(/^connection: close$/im);
    expect(ms).toBeLessThan(4 * SECOND_MS);
    // An upload may have 5 MB; and what the kernel takes in advance counts.
    expect(sentBytes).toBeLessThan(20 * MEBIBYTE);
  });

  it('is refused before it is sent where its length is told', async () => {
    const body = 'username=asha';
    const held = await holdRequest(server.origin, {
      path: '/auth/login',
      headers: { 'Content-Length': String(10 * MEBIBYTE) },
      body,
    });
    const { status, headers } = await held.answer();
    expect(status).toBe(413);
    expect(headers).toMatch(/^connection: close$/im);
  });

  it('leaves a form of ordinary size alone', async () => {
    expect((await visitor.submit('/settings', { theme: 'dark' })).status).toBe(400);
  });
});

describe('A body that takes too long', () => {
  let listening: Server;
  let origin: string;

  beforeAll(async () => {
    const app = express();
    app.use(createBodyLimits({ mostBytes: 1000, withinMs: 200 }));
    app.use(express.urlencoded({ extended: false }));
    app.post('/', (req, res) => void res.json(req.body));
    app.use(createErrorHandler(createRecordingLog(), () => undefined));
    listening = createServer(app).listen(0, '127.0.0.1');
    await once(listening, 'listening');
    origin = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    listening.closeAllConnections();
    listening.close();
  });

  it('is answered with 408, and the connection is closed', async () => {
    const held = await holdRequest(origin, {
      path: '/',
      headers: { Accept: 'application/json' },
      body: 'a=12345678',
    });
    const { status, headers, body } = await held.answer();
    expect(status).toBe(408);
    expect(headers).toMatch(/^connection: close$/im);
    expect(JSON.parse(body)).toMatchObject({ status: 'error', error: 'timeout' });
  });

  it('counts from the first byte, however often one comes', async () => {
    const held = await holdRequest(origin, {
      path: '/',
      headers: { Accept: 'application/json' },
      body: 'a=12345678',
    });
    await sleep(150);
    expect((await held.finish()).status).toBe(200);
  });
});
