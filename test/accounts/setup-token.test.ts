import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor } from '../support/visitor.ts';

const ELSEWHERE = { 'X-Forwarded-For': '192.168.1.20' };
const FIELDS = { username: 'asha', email: 'asha@example.com', password: 'a good long password' };

describe.each([
  ['behind a proxy that is trusted', '127.0.0.1'],
  ['behind a proxy that TRUST_PROXY does not name', ''],
])('the first account from another machine, %s', (_how, trusted) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ env: { TRUST_PROXY: trusted } });
  });
  afterAll(() => server.close());

  it('is made with the token of the log alone', async () => {
    const visitor = createVisitor(server.origin);
    const page = await visitor.get('/setup', ELSEWHERE);
    expect(page.text).toContain('name="setupToken"');
    const [, token = ''] = /name="_csrf" value="([^"]+)"/.exec(page.text) ?? [];
    const send = (fields: Readonly<Record<string, string>>) =>
      visitor.post('/setup', { ...FIELDS, _csrf: token, ...fields }, { ...ELSEWHERE, Origin: server.origin });

    for (const setupToken of ['', 'wrong', server.services.accounts.setupToken.slice(1)]) {
      const refused = await send({ setupToken });
      expect(refused.status).toBe(400);
      expect(refused.text).toContain('Enter the setup token that the server printed in its log');
    }
    expect((await send({ setupToken: ` ${server.services.accounts.setupToken} ` })).status).toBe(303);
  });
});

describe('the first account of a server with a name of its own', () => {
  it('is made with the token of the log, since a proxy without headers looks like this machine', async () => {
    const Origin = 'http://curfew.example.org';
    const server = await startTestServer({ env: { BASE_URL: Origin } });
    const visitor = createVisitor(server.origin);
    const { text } = await visitor.get('/setup');
    expect(text).toContain('name="setupToken"');
    const [, token = ''] = /name="_csrf" value="([^"]+)"/.exec(text) ?? [];
    const send = (setupToken: string) =>
      visitor.post('/setup', { ...FIELDS, _csrf: token, setupToken }, { Origin });
    expect((await send('')).status).toBe(400);
    expect((await send(server.services.accounts.setupToken)).status).toBe(303);
    await server.close();
  });
});

describe('the first account from this machine', () => {
  it('needs no token, and the page does not ask for one', async () => {
    const server = await startTestServer();
    const visitor = createVisitor(server.origin);
    expect((await visitor.get('/setup')).text).not.toContain('setupToken');
    expect((await visitor.submit('/setup', FIELDS)).status).toBe(303);
    await server.close();
  });
});
