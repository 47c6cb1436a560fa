import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn } from '../support/visitor.ts';

describe('the setup page of a whole server', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startTestServer();
  });
  afterEach(() => server.close());

  const post = (body: string, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${server.origin}/setup`, {
      method: 'POST',
      redirect: 'manual',
      headers: { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body,
    });

  it('wants the form’s token while there is nobody', async () => {
    const { status } = await post(new URLSearchParams(PERSON).toString());
    expect(status).toBe(403);
    expect(await server.services.userAdmin.list()).toEqual([]);
  });

  it('is nowhere afterwards, whatever is sent to it', async () => {
    const visitor = createVisitor(server.origin);
    await setUp(visitor);
    for (const body of ['', '_csrf=wrong', 'x='.repeat(200), `username=${'x'.repeat(30_000)}`])
      expect((await post(body)).status, body.slice(0, 20)).toBe(404);
    // What is too large is refused everywhere, before anyone looks where it goes.
    expect((await post(`username=${'x'.repeat(50_000)}`)).status).toBe(413);
    expect((await post('{', { 'content-type': 'application/json' })).status).toBe(404);
    for (const method of ['GET', 'HEAD', 'DELETE'])
      expect((await fetch(`${server.origin}/setup`, { method })).status, method).toBe(404);
    expect((await post('')).headers.get('set-cookie')).toBeNull();
    await signIn(visitor);
    const answer = await visitor.get('/setup');
    expect(answer.status).toBe(404);
    // Whoever is signed in stays so, and sees it.
    expect(answer.text).toContain('asha');
  });
});
