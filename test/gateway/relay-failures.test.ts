import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { createServer as createTlsServer, request as requestTls } from 'node:https';
import {
  type AddressInfo,
  createConnection,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limitWaiting } from '../../src/gateway/relay/upstream.ts';
import { openInVain } from '../feed/socket-client.ts';
import { ask, begin, openToolSocket, responseOf, TOOL_HOST } from './relay-client.ts';
import { type RelayedTool, startRelayedTool } from './relayed-tool.ts';
import { TOOL_CERTIFICATE } from './tool-certificate.ts';

/** A tool that answers with bytes of any kind. */
async function startRawTool(
  onConnection: (socket: Socket) => void,
): Promise<{ origin: string; server: Server }> {
  // It goes on when the other side has said that it sends no more.
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

const RAW_HOST = 'raw.desk.test';

describe('A tool that fails', () => {
  let relayed: RelayedTool;
  let raw: { origin: string; server: Server };
  let reply = '';
  const replyOnce = (socket: Socket): void => void socket.once('data', () => socket.end(reply, 'latin1'));
  let onConnection = replyOnce;

  beforeAll(async () => {
    raw = await startRawTool((socket) => onConnection(socket));
    relayed = await startRelayedTool(
      () => `  - { name: raw, host: ${RAW_HOST}, who: signed-in, upstream: "${raw.origin}" }\n`,
    );
  });
  afterAll(async () => {
    raw.server.close();
    await relayed.close();
  });

  const get = (path: string, host = TOOL_HOST) =>
    ask(relayed.server.origin, path, {
      host,
      headers: { cookie: relayed.cookie, accept: 'application/json' },
    });
  const failures = async (rule: string): Promise<number> => {
    const { text } = await relayed.asha.get('/metrics');
    return Number(new RegExp(`upstream_failures_total\\{rule="${rule}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
  };

  it.each([
    ['nothing', ''],
    ['what is no HTTP', 'SSH-2.0-OpenSSH\r\n'],
    ['a head that breaks off', 'HTTP/1.1 200 OK\r\nContent-'],
    [
      'length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a status of its own', 'HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n'],
    ['a head without end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`],
  ])('is named where it answers %s', async (_what, text) => {
    reply = text;
    const before = await failures('raw');
    const answer = await get('/page', RAW_HOST);
    expect([answer.status, answer.json['error']]).toEqual([502, 'bad_gateway']);
    expect(answer.headers).not.toHaveProperty('x');
    expect(answer.json['message']).toContain('"raw"');
    expect(await failures('raw')).toBe(before + 1);
  });

  it('is named where it does not answer a handshake', async () => {
    reply = '';
    const headers = { Host: RAW_HOST, Cookie: relayed.cookie, Origin: `http://${RAW_HOST}` };
    expect(await openInVain(relayed.server.origin, headers)).toMatchObject({
      status: 502,
      body: { error: 'bad_gateway' },
    });
    expect(relayed.server.services.sockets.size).toBe(0);
  });

  it('passes odd but good answers on', async () => {
    reply = 'HTTP/1.1 299 \xe9\r\nX-Odd: \xe9\x80\r\nServer: odd\r\nServer: odder\r\n\r\nuntil the end';
    const answer = await get('/page', RAW_HOST);
    expect([answer.status, answer.text]).toEqual([299, 'until the end']);
    expect(answer.headers['x-odd']).toBe('\xe9\x80');
  });

  it('cuts an answer off that the tool does not finish', async () => {
    reply = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe beginning';
    const before = await failures('raw');
    const sent = begin(relayed.server.origin, '/page', {
      host: RAW_HOST,
      headers: { cookie: relayed.cookie },
    });
    sent.end();
    const response = await responseOf(sent);
    const closed = new Promise((resolve) => response.once('close', resolve));
    response.resume();
    await closed;
    expect(response.complete).toBe(false);
    expect(await failures('raw')).toBe(before + 1);
  });

  it('ends the request at the tool when the client goes', async () => {
    const { server, tool, cookie } = relayed;
    const before = await failures('tool');
    tool.answer('/never', () => undefined);
    tool.answer('/half', (_req, res) => {
      res.writeHead(200, { 'Content-Length': 1000 });
      res.write('half');
    });
    for (const path of ['/events', '/half', '/never']) {
      const sent = begin(server.origin, path, { headers: { cookie } });
      sent.end();
      await expect.poll(tool.openConnections).toBe(1);
      sent.destroy();
      await expect.poll(tool.openConnections).toBe(0);
    }
    const upload = begin(server.origin, '/upload', {
      method: 'POST',
      headers: { cookie, 'content-length': 1000 },
    });
    upload.write('half');
    await expect.poll(tool.openConnections).toBe(1);
    upload.destroy();
    await expect.poll(tool.openConnections).toBe(0);
    const socket = await openToolSocket(server.origin, { Cookie: cookie, Origin: `http://${TOOL_HOST}` });
    socket.ws.terminate();
    await expect.poll(tool.openConnections).toBe(0);
    await expect.poll(() => server.services.sockets.size).toBe(0);
    // A client that goes is no failure of the tool's.
    expect(await failures('tool')).toBe(before);
  });

  it('ends the client’s socket when the tool’s breaks', async () => {
    const { server, tool, cookie } = relayed;
    const socket = await openToolSocket(server.origin, { Cookie: cookie, Origin: `http://${TOOL_HOST}` });
    for (const ws of tool.sockets) ws.terminate();
    expect(await socket.closed).toMatchObject({ code: 1006 });
    await expect.poll(() => server.services.sockets.size).toBe(0);
  });

  it('cannot keep a connection whose client has gone', async () => {
    const gone = Promise.withResolvers<void>();
    onConnection = (socket) => {
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'),
      );
      // Whether the other side is gone, or only sends no more, shows when something is sent to it.
      const sending = setInterval(() => socket.write('price'), 20);
      socket.once('close', () => {
        clearInterval(sending);
        gone.resolve();
      });
    };
    const { hostname, port } = new URL(relayed.server.origin);
    const client = createConnection(Number(port), hostname);
    client.write(
      `GET /socket HTTP/1.1\r\nHost: ${RAW_HOST}\r\nCookie: ${relayed.cookie}\r\nOrigin: http://${RAW_HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    );
    const [reply] = await once(client, 'data');
    expect(String(reply)).toMatch(/^HTTP\/1\.1 101 /);
    client.resetAndDestroy();
    await gone.promise;
    await expect.poll(() => relayed.server.services.sockets.size).toBe(0);
    onConnection = replyOnce;
  });

  it('gives the early answer to an upload that it does not want', async () => {
    const { server, tool, cookie } = relayed;
    tool.answer('/too-large', (req, res) => {
      res.writeHead(413).end('too large');
      req.resume();
    });
    const body = Buffer.alloc(5_000_000);
    const headers = { cookie, 'content-length': body.length };
    const answer = await ask(server.origin, '/too-large', { method: 'POST', headers, body });
    expect([answer.status, answer.text]).toEqual([413, 'too large']);
  });
});

describe('A tool that speaks TLS', () => {
  it('is known by its own name, and refused without a certificate that is trusted', async () => {
    const names: unknown[] = [];
    const tls = createTlsServer(TOOL_CERTIFICATE, (req, res) => {
      names.push((req.socket as TLSSocket).servername);
      res.end(`tool of ${req.headers.host}`);
    });
    tls.listen(0, 'localhost');
    await once(tls, 'listening');
    const { port } = tls.address() as AddressInfo;
    const relayed = await startRelayedTool(
      () => `  - { name: tls, host: tls.desk.test, who: signed-in, upstream: "https://localhost:${port}" }\n`,
    );
    const trusted = getCACertificates('default');
    try {
      const { server, cookie } = relayed;
      const get = () => ask(server.origin, '/page', { host: 'tls.desk.test', headers: { cookie } });
      expect((await get()).status).toBe(502);
      setDefaultCACertificates([...trusted, TOOL_CERTIFICATE.cert]);
      expect(await get()).toMatchObject({ status: 200, text: 'tool of tls.desk.test' });
      expect(names).toEqual(['localhost']);
    } finally {
      setDefaultCACertificates(trusted);
      await relayed.close();
      tls.close();
    }
  });
});

describe('A tool at an IPv6 address', () => {
  it('is reached', async () => {
    const tool = createServer((_req, res) => res.end('six'));
    tool.listen(0, '::1');
    await once(tool, 'listening');
    const { port } = tool.address() as AddressInfo;
    const relayed = await startRelayedTool(
      () => `  - { name: six, host: six.desk.test, who: signed-in, upstream: "http://[::1]:${port}" }\n`,
    );
    const { server, cookie } = relayed;
    expect(await ask(server.origin, '/', { host: 'six.desk.test', headers: { cookie } })).toMatchObject({
      text: 'six',
    });
    await relayed.close();
    tool.close();
  });
});

describe('A slow reader', () => {
  const MEGABYTES = 200;
  let relayed: RelayedTool;
  beforeAll(async () => {
    relayed = await startRelayedTool();
  });
  afterAll(() => relayed.close());

  it('makes the tool wait, and costs no memory', { timeout: 60_000 }, async () => {
    const { server, tool, cookie } = relayed;
    const chunk = Buffer.alloc(1024 * 1024);
    let written = 0;
    tool.answer('/endless', (_req, res) => {
      Readable.from(
        (function* () {
          for (; written < MEGABYTES; written += 1) yield chunk;
        })(),
        { highWaterMark: 1 },
      ).pipe(res);
    });
    const sent = begin(server.origin, '/endless', { headers: { cookie } });
    sent.end();
    const response = await responseOf(sent);
    response.pause();
    await sleep(1000);
    const stalledAt = written;
    expect(stalledAt).toBeLessThan(30);
    await sleep(500);
    expect(written).toBe(stalledAt);
    sent.destroy();
    await expect.poll(tool.openConnections).toBe(0);
  });

  it('is waited for by a client that uploads', { timeout: 60_000 }, async () => {
    const { server, tool, cookie } = relayed;
    const arrived = Promise.withResolvers<IncomingMessage>();
    tool.answer('/unread', (req) => arrived.resolve(req.pause()));
    const sent = begin(server.origin, '/unread', {
      method: 'POST',
      headers: { cookie, 'transfer-encoding': 'chunked' },
    });
    const chunk = Buffer.alloc(1024 * 1024);
    let megabytes = 0;
    while (megabytes < MEGABYTES && sent.write(chunk)) megabytes += 1;
    const stalled = await Promise.race([once(sent, 'drain').then(() => false), sleep(1000, true)]);
    for (let more = 0; !stalled && more < MEGABYTES; more += 1) {
      megabytes += 1;
      if (
        !sent.write(chunk) &&
        (await Promise.race([once(sent, 'drain').then(() => false), sleep(1000, true)]))
      )
        break;
    }
    expect(megabytes).toBeLessThan(30);
    sent.destroy();
    // A server that does not read does not see that its client has gone.
    (await arrived.promise).resume();
    await expect.poll(tool.openConnections).toBe(0);
  });
});

describe('A request to a tool that keeps it waiting', () => {
  it.each([
    [
      'the connection',
      'https:',
      { connectMs: 100, answerMs: 5000 },
      /did not take the connection within 100 ms/,
    ],
    ['the answer', 'http:', { connectMs: 5000, answerMs: 100 }, /did not answer within 100 ms/],
  ])('is given up: %s', async (_what, protocol, waits, words) => {
    const silent = await startRawTool(() => undefined);
    const { port } = new URL(silent.origin);
    const make = protocol === 'https:' ? requestTls : request;
    const outgoing = make({ host: '127.0.0.1', port, agent: false });
    limitWaiting(outgoing, waits);
    outgoing.end('x');
    const [error] = await once(outgoing, 'error');
    expect(error.message).toMatch(words);
    silent.server.close();
  });

  it('is not given up while its answer goes on', async () => {
    const slow = await startRawTool((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n');
      setTimeout(() => socket.end('late'), 300);
    });
    const outgoing = request({ host: '127.0.0.1', port: new URL(slow.origin).port, agent: false });
    limitWaiting(outgoing, { connectMs: 100, answerMs: 100 });
    outgoing.end();
    const response = await responseOf(outgoing);
    let text = '';
    for await (const chunk of response) text += chunk;
    expect(text).toBe('late');
    slow.server.close();
  });
});
