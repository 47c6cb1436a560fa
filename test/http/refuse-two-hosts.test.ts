import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { askFor } from './ask-for.ts';

describe('a request with two Host headers', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.close());

  const ask = (path: string, hosts: readonly string[]) =>
    askFor(
      server.config.port,
      `GET ${path} HTTP/1.1\r\n${hosts.map((host) => `${host}\r\n`).join('')}Accept: application/json\r\n`,
    );
  const own = () => `Host: 127.0.0.1:${server.config.port}`;

  it.each(['/', '/auth/login', '/api/v1/session', '/healthz'])('is answered with 400 at %s', async (path) => {
    for (const second of [own(), 'host: evil.example']) {
      const answer = await ask(path, [own(), second]);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer).toContain('more than one Host header');
    }
  });

  it('is no reason to refuse one with a single Host header', async () => {
    expect(await ask('/healthz', [own()])).toMatch(/^HTTP\/1\.1 200 /);
  });
});
