import supertest from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApp } from '../../src/app.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

describe('when even the error page fails', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startTestServer();
  });
  afterEach(() => server.close());

  it('a person gets plain words, and nothing of the inside', async () => {
    const app = createApp(server.services);
    app.set('views', '/nowhere');
    const answer = await supertest(app).get('/assets/nothing.css').set('Accept', 'text/html');
    expect(answer.status).toBe(500);
    expect(answer.text).toBe(
      `Something went wrong on the server. Try again in a moment. The request id is ${answer.headers['x-request-id']}.`,
    );
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
    expect(server.logText()).toContain('The error page itself failed');
    expect(server.logText()).toContain('/nowhere');
  });
});
