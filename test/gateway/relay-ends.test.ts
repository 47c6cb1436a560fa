import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { issueKey } from '../feed/issue-key.ts';
import { holdJudgement } from '../support/held-judgement.ts';
import { createDatabase } from '../support/postgres-server.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createRulesFile, type RulesFile } from '../support/rules-file.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import {
  ask,
  begin,
  cookieOf,
  openToolSocket,
  responseOf,
  TOOL_HOST,
  type ToolSocket,
} from './relay-client.ts';
import { startTool, type ToolServer } from './tool-server.ts';

const ORIGIN = { actor: 'test' };
const SECOND = 1000;
const TOOL_ORIGIN = `http://${TOOL_HOST}`;

const rulesFor = (tool: string, who = 'signed-in'): string =>
  `rules:
  - { name: open, host: ${TOOL_HOST}, path: /open, who: public, upstream: "${tool}" }
  - { name: tool, host: ${TOOL_HOST}, who: ${who}, upstream: "${tool}" }
`;

let rules: RulesFile;
let tool: ToolServer;

beforeAll(async () => {
  rules = createRulesFile();
  tool = await startTool();
  tool.answer('/open/events', (_req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
  });
});
afterAll(async () => {
  await tool.close();
  rules.remove();
});
beforeEach(() => rules.write(rulesFor(tool.origin)));

async function userIdOf({ services }: TestServer): Promise<string> {
  return (await services.users.list())[0]?.id ?? '';
}

type Headers = Readonly<Record<string, string>>;

const asBrowser = (visitor: Visitor): Headers => ({ cookie: cookieOf(visitor), origin: TOOL_ORIGIN });

interface Stream {
  readonly response: IncomingMessage;
  /** Resolves when it is over. */
  readonly cut: Promise<void>;
  readonly isOpen: () => boolean;
}

async function openStream(origin: string, headers: Headers, path = '/events'): Promise<Stream> {
  const sent = begin(origin, path, { headers });
  sent.end();
  const response = await responseOf(sent);
  response.resume();
  const cut = new Promise<void>((resolve) => response.once('close', resolve));
  return { response, cut, isOpen: () => !response.destroyed };
}

async function openBoth(origin: string, headers: Headers): Promise<{ socket: ToolSocket; stream: Stream }> {
  const socket = await openToolSocket(origin, headers);
  await expect.poll(() => socket.heard).toEqual(['hello']);
  return { socket, stream: await openStream(origin, headers) };
}

/** Ends within a second, at the client's and at the tool's side. */
async function expectEnded(
  { socket, stream }: { socket: ToolSocket; stream: Stream },
  closing: { code: number; reason: string },
): Promise<void> {
  const at = performance.now();
  expect(await socket.closed).toEqual(closing);
  await stream.cut;
  expect(stream.response.complete).toBe(false);
  expect(performance.now() - at).toBeLessThan(SECOND);
  await expect.poll(tool.openConnections).toBe(0);
}

describe('What is relayed', () => {
  let clock: SettableClock;
  let server: TestServer;
  let asha: Visitor;
  let userId: string;

  beforeEach(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    server = await startTestServer({ clock, env: { GATEWAY_RULES: rules.path } });
    asha = createVisitor(server.origin);
    await setUp(asha);
    await signIn(asha);
    userId = await userIdOf(server);
    return () => server.close();
  });

  const open = (headers = asBrowser(asha)) => openBoth(server.origin, headers);

  it('ends at the logout of its session, and not at that of another device', async () => {
    const phone = createVisitor(server.origin);
    await signIn(phone);
    const [here, there] = [await open(), await open(asBrowser(phone))];
    await asha.submit('/auth/logout');
    expect(await here.socket.closed).toEqual({ code: 4401, reason: 'logged_out' });
    await here.stream.cut;
    await sleep(50);
    expect([there.socket.ws.readyState, there.stream.isOpen()]).toEqual([1, true]);
    await phone.submit('/auth/logout');
    await expectEnded(there, { code: 4401, reason: 'logged_out' });
  });

  it('has its place in the receipt of what ended it', async () => {
    const both = await open();
    const receipt = await server.services.revocation.revoker.revokeAccount(userId, 'ended_by_admin', ORIGIN);
    expect(receipt.lines.at(-1)).toMatchObject({ step: 'sockets', status: 'done', count: 2 });
    await expectEnded(both, { code: 4401, reason: 'revoked' });
  });

  it('is cut off without a close frame in the middle of a frame of the tool’s', async () => {
    const socket = await openToolSocket(server.origin, asBrowser(asha));
    await expect.poll(() => socket.heard).toEqual(['hello']);
    const received = vi.fn();
    socket.ws.on('message', received);
    // A message of twenty bytes that lacks the last four: a close frame is longer than that.
    const begun = Buffer.from([0x82, 20, ...Buffer.alloc(16, 1)]);
    for (const ws of tool.sockets) (ws as unknown as { _socket: Socket })._socket.write(begun);
    await sleep(50);
    await asha.submit('/auth/logout');
    expect(await socket.closed).toEqual({ code: 1006, reason: '' });
    expect(received).not.toHaveBeenCalled();
    await expect.poll(tool.openConnections).toBe(0);
  });

  it('ends at the cutoff by the clock alone', async () => {
    clock.set('2026-11-24T02:50:00+05:30');
    await signIn(asha);
    const both = await open();
    clock.set('2026-11-24T02:59:59.999+05:30');
    await server.services.feed.monitor.endByClock();
    await sleep(50);
    expect([both.socket.ws.readyState, both.stream.isOpen()]).toEqual([1, true]);
    clock.set('2026-11-24T03:00:00+05:30');
    await server.services.feed.monitor.endByClock();
    await expectEnded(both, { code: 4401, reason: 'cutoff' });
  });

  it('ends when its user was idle for too long, however much it carries', async () => {
    const both = await open();
    clock.advance(31 * 60 * SECOND);
    both.socket.ws.send('still here');
    await expect.poll(() => both.socket.heard).toContain('still here');
    await server.services.feed.monitor.compare();
    await expectEnded(both, { code: 4401, reason: 'idle' });
  });

  it('of a program ends with its key', async () => {
    const { id, key } = await issueKey(server, userId, { scopes: ['gateway:access'] });
    const both = await open({ authorization: `Bearer ${key}` });
    const owned = await server.services.api.apiKeys.find(id);
    if (owned === undefined) throw new Error('No key');
    await server.services.api.apiKeys.revoke(owned, ORIGIN);
    await expectEnded(both, { code: 4401, reason: 'key_ended' });
  });

  it('of a program stays while its key has the scope of the gateway, and no other', async () => {
    const { key } = await issueKey(server, userId, { scopes: ['gateway:access'] });
    const both = await open({ authorization: `Bearer ${key}` });
    await server.services.feed.monitor.compare();
    await sleep(50);
    expect([both.socket.ws.readyState, both.stream.isOpen()]).toEqual([1, true]);
    both.socket.ws.terminate();
    both.stream.response.destroy();
    await expect.poll(() => server.services.sockets.size).toBe(0);
  });

  it('of a program ends at the instant at which its key does', async () => {
    const expiresAt = clock.now() + 3600 * SECOND;
    const { key } = await issueKey(server, userId, { scopes: ['gateway:access'], expiresAt });
    const both = await open({ 'x-api-key': key });
    clock.set(new Date(expiresAt).toISOString());
    await server.services.feed.monitor.endByClock();
    await expectEnded(both, { code: 4401, reason: 'key_ended' });
  });

  it('ends when the rules no longer let its user in', async () => {
    const both = await open();
    const public_ = await openStream(server.origin, {}, '/open/events');
    rules.write(`# The same.\n${rulesFor(tool.origin)}`);
    await server.services.gateway.rules.reload();
    await sleep(50);
    expect([both.socket.ws.readyState, both.stream.isOpen()]).toEqual([1, true]);
    rules.write(rulesFor(tool.origin, '{ people: [ravi] }'));
    await server.services.gateway.rules.reload();
    expect(await both.socket.closed).toEqual({ code: 4403, reason: 'forbidden' });
    await both.stream.cut;
    expect(public_.isOpen()).toBe(true);
    rules.write(rulesFor(tool.origin.replace('127.0.0.1', 'localhost')));
    await server.services.gateway.rules.reload();
    await public_.cut;
    await expect.poll(tool.openConnections).toBe(0);
  });

  it('does not begin when its session ends while it is judged', async () => {
    const held = holdJudgement(server.services.registry);
    const begun = tool.requests.length;
    const answer = ask(server.origin, '/page', { headers: { ...asBrowser(asha), accept: 'text/html' } });
    await held.judged;
    await server.services.revocation.revoker.revokeAccount(userId, 'ended_by_admin', ORIGIN);
    held.goOn();
    expect((await answer).status).toBe(303);
    expect(new URL((await answer).headers.location ?? '').searchParams.get('reason')).toBe('revoked');
    expect(tool.requests).toHaveLength(begun);
  });

  it('is answered as after its end when it ends before the tool has answered', async () => {
    const arrived = Promise.withResolvers<void>();
    tool.answer('/slow', (req) => {
      arrived.resolve();
      req.resume();
    });
    const answer = ask(server.origin, '/slow', { method: 'POST', headers: asBrowser(asha), body: 'order' });
    await arrived.promise;
    await asha.submit('/auth/logout');
    expect(await answer).toMatchObject({
      status: 401,
      json: { error: 'login_required', reason: 'logged_out' },
    });
    await expect.poll(tool.openConnections).toBe(0);
  });

  it('ends an upload that is under way', async () => {
    const sent = begin(server.origin, '/upload', {
      method: 'POST',
      headers: { ...asBrowser(asha), 'content-length': 1_000_000 },
    });
    sent.write('x'.repeat(1000));
    await expect.poll(tool.openConnections).toBe(1);
    await server.services.revocation.revoker.revokeAccount(userId, 'ended_by_admin', ORIGIN);
    const response = await responseOf(sent);
    expect([response.statusCode, response.headers.connection]).toEqual([401, 'close']);
    await expect.poll(tool.openConnections).toBe(0);
    sent.destroy();
  });

  it('is closed for a client that goes on with what it was told when the server stops', async () => {
    const both = await open();
    const slow = Promise.withResolvers<void>();
    tool.answer('/finishing', (_req, res) => {
      res.write('begun');
      void slow.promise.then(() => res.end(' and done'));
    });
    const download = ask(server.origin, '/finishing', { headers: asBrowser(asha) });
    await expect.poll(tool.openConnections).toBe(3);
    server.services.draining.begin();
    expect(await both.socket.closed).toEqual({ code: 4503, reason: 'restarting' });
    await both.stream.cut;
    slow.resolve();
    expect((await download).text).toBe('begun and done');
    await expect(openToolSocket(server.origin, asBrowser(asha))).rejects.toThrow('503');
    expect((await ask(server.origin, '/page', { headers: asBrowser(asha) })).status).toBe(200);
  });
});

describe('What is relayed on another node than the one that ends it', () => {
  let near: TestServer;
  let far: TestServer;
  let userId: string;

  beforeAll(async () => {
    const env = {
      DATABASE_URL: await createDatabase({ url: inject('postgresUrl') }),
      REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
      GATEWAY_RULES: rules.path,
    };
    rules.write(rulesFor(tool.origin));
    near = await startTestServer({ env, jobs: true });
    far = await startTestServer({ env, jobs: true });
    await setUp(createVisitor(near.origin));
    userId = await userIdOf(near);
  });
  afterAll(async () => {
    await near?.close();
    await far?.close();
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  async function openFar() {
    const asha = createVisitor(far.origin);
    await signIn(asha);
    return openBoth(far.origin, asBrowser(asha));
  }

  it('ends within a second, by the message', async () => {
    const both = await openFar();
    await near.services.revocation.revoker.revokeAccount(userId, 'ended_by_admin', ORIGIN);
    await expectEnded(both, { code: 4401, reason: 'revoked' });
  });

  it('ends within the interval of the monitor when the message is lost', async () => {
    const both = await openFar();
    const sids = (await near.services.registry.listByUser(userId)).map(({ sid }) => sid);
    vi.spyOn(near.infrastructure.bus, 'publish').mockResolvedValue(undefined);
    await near.services.revocation.revoker.revoke({ kind: 'device', userId, sids }, 'ended_by_owner', ORIGIN);
    const at = performance.now();
    expect(await both.socket.closed).toEqual({ code: 4401, reason: 'revoked' });
    await both.stream.cut;
    // The monitor looks once a second, and asks what each look needs.
    expect(performance.now() - at).toBeLessThan(2 * SECOND);
  });
});
