import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../src/app.ts';
import { listRoutes } from '../support/route-list.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';

const OFF = [
  ['the cutoff', { SESSION_EXPIRY_TIME: 'off' }],
  ['the idle limit', { SESSION_IDLE_TIMEOUT: 'off' }],
  ['both', { SESSION_EXPIRY_TIME: 'off', SESSION_IDLE_TIMEOUT: 'off' }],
] as const;

describe.each(OFF)('with %s off and a broker connected', (_name, env) => {
  let server: TestServer;
  let person: Visitor;

  beforeAll(async () => {
    server = await startTestServer({ env });
    person = createVisitor(server.origin);
    await setUp(person);
    await signIn(person);
    await connectSandbox(person);
  });
  afterAll(() => server.close());

  it('no page fails', async () => {
    const paths = listRoutes(createApp(server.services))
      .filter(({ path, methods }) => methods.includes('GET') && path !== '/api/v1/signals')
      .map(({ path }) => path.replaceAll(/:\w+/g, 'x'));
    const answers: [string, number][] = [];
    for (const path of paths) answers.push([path, (await person.get(path)).status]);
    expect(answers.length).toBeGreaterThan(50);
    expect(answers.filter(([path, status]) => status >= 500 && path !== '/readyz')).toEqual([]);
  });

  it('the dashboard and the brokers’ page say that the broker is connected', async () => {
    for (const path of ['/dashboard', '/broker']) {
      const page = await person.get(path);
      expect([page.status, page.text.includes('Disconnect<')], path).toEqual([200, true]);
    }
  });
});
