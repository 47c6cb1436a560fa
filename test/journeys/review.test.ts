import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createLiveSettings } from '../../src/boot/live-settings.ts';
import { parseConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer, TEST_SECRETS, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn } from '../support/visitor.ts';

describe('a visitor', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startTestServer();
    await setUp(createVisitor(server.origin));
  });
  afterEach(() => server.close());

  const countSessions = async () =>
    (await server.infrastructure.database.db.selectFrom('sessions').select('sid').execute()).length;

  test.each([
    ['GET', '/auth/login/nowhere'],
    ['GET', '/setup'],
    ['POST', '/setup'],
    ['DELETE', '/auth/login'],
  ])('leaves no session behind with an error: %s %s', async (method, path) => {
    const before = await countSessions();
    const response = await fetch(server.origin + path, { method, headers: { Accept: 'text/html' } });
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.headers.get('set-cookie')).toBeNull();
    expect(await countSessions()).toBe(before);
  });

  test('keeps the form that is open in another tab when a page is not there', async () => {
    const visitor = createVisitor(server.origin);
    const _csrf = await visitor.csrfTokenOf('/auth/login');
    expect((await visitor.get('/auth/login/nowhere')).status).toBe(404);
    const { username, password } = PERSON;
    const answer = await visitor.post(
      '/auth/login',
      { username, password, _csrf },
      { Origin: server.origin },
    );
    expect(answer.location).toBe('/dashboard');
  });

  test.each(['/auth/login', '/'])('gets a page that no cache between may keep: %s', async (path) => {
    const response = await fetch(server.origin + path, { headers: { Accept: 'text/html' } });
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  test('who asks for no path at all is no failure of the server', async () => {
    const answer = await sendRaw(server, 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1.1 [234]/);
    expect(server.logText()).not.toContain('"level":"error"');
  });
});

test('two sign-ins at the same time where one session is allowed leave one of them signed in', async () => {
  const server = await startTestServer({ env: { MAX_SESSIONS_PER_USER: '1' } });
  onTestFinished(() => server.close());
  const visitors = [createVisitor(server.origin), createVisitor(server.origin)];
  await setUp(createVisitor(server.origin));

  // Neither counts before both are stored.
  const { registry } = server.services;
  const listByUser = registry.listByUser.bind(registry);
  const both = Promise.withResolvers<void>();
  let counting = 0;
  registry.listByUser = async (userId) => {
    counting += 1;
    if (counting === 2) both.resolve();
    await both.promise;
    return listByUser(userId);
  };
  await Promise.all(visitors.map((visitor) => signIn(visitor)));
  const pages = await Promise.all(visitors.map((visitor) => visitor.get('/dashboard')));
  expect(pages.map((page) => page.status).sort()).toEqual([200, 303]);
});

test('a shorter idle limit ends nobody who was here a second ago', async () => {
  const clock = createSettableClock('2026-11-23T10:00:00+05:30');
  const server = await startTestServer({ clock });
  onTestFinished(() => server.close());
  const visitor = createVisitor(server.origin);
  await setUp(visitor);
  await signIn(visitor);
  clock.advance(50_000);
  expect((await visitor.get('/dashboard')).status).toBe(200);

  clock.advance(1_000);
  const { policy, registry, audit, log } = server.services;
  const { idleWatch } = server.services.sessions;
  const readFile = () => ({ SESSION_IDLE_TIMEOUT: '45s' });
  const storeUses = () => registry.flush({ all: true });
  await createLiveSettings({ policy, environment: {}, readFile, storeUses, audit, log })();
  expect(policy.current().idleTimeoutMs).toBe(45_000);
  expect(await idleWatch.run()).toBe(0);
  expect((await visitor.get('/dashboard')).status).toBe(200);
});

test('an .env that is gone or empty at a SIGHUP changes nothing', async () => {
  const server = await startTestServer({ env: { SESSION_EXPIRY_TIME: 'off' } });
  onTestFinished(() => server.close());
  const { policy, audit, log } = server.services;
  await createLiveSettings({ policy, environment: {}, readFile: () => ({}), audit, log })();
  expect(policy.current().cutoffTime).toBe('off');
});

test('a server whose name is localhost answers its own calls, which go to 127.0.0.1', async () => {
  const server = await startTestServer({ env: { BASE_URL: 'http://localhost:4321' } });
  onTestFinished(() => server.close());
  const visitor = createVisitor(server.origin);
  const Host = '127.0.0.1:4321';
  expect((await visitor.get('/.well-known/oauth-authorization-server/sandbox', { Host })).status).toBe(200);
  expect((await visitor.get('/healthz', { Host })).status).toBe(200);
  expect((await visitor.get('/setup', { Host })).location).toBe('http://localhost:4321/setup');
});

test.each([
  [{ PORT: '80' }, 'http://127.0.0.1'],
  [{ BASE_URL: 'https://curfew.example.org:443/' }, 'https://curfew.example.org'],
  [{ BASE_URL: 'https://Curfew.Example.ORG' }, 'https://curfew.example.org'],
])('an origin may be written with its default port and in capital letters: %o', (env, baseUrl) => {
  expect(parseConfig({ ...TEST_SECRETS, ...env }).baseUrl).toBe(baseUrl);
});

test.each(['https://a.example/path', 'https://a.example?x', 'https://u:p@a.example', 'https://a.example/#x'])(
  'what is more than an origin is none: %s',
  (BASE_URL) => {
    expect(() => parseConfig({ ...TEST_SECRETS, BASE_URL })).toThrow('must be an origin only');
  },
);

test('a new database file is for its owner alone, in whatever folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-mode-'));
  const file = join(folder, 'curfew.db');
  const database = await openDatabase({ dialect: 'sqlite', file });
  onTestFinished(async () => {
    await database.close();
    rmSync(folder, { recursive: true });
  });
  await database.ping();
  for (const path of [file, `${file}-wal`, `${file}-shm`]) expect(statSync(path).mode & 0o077, path).toBe(0);
});

function sendRaw(server: TestServer, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(server.config.port, server.config.host);
    socket.on('data', (data) => {
      answer += data.toString('latin1');
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
    socket.write(request);
  });
}
