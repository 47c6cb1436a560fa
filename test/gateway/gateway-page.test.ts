import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRulesFile, type RulesFile } from '../support/rules-file.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';

const RULES = `rules:
  - { name: Health, host: tool.desk.test, path: /health, who: public, methods: [GET] }
  - { name: Orders, host: tool.desk.test, path: /orders, who: { roles: [admin] }, fresh: 10, activity: false }
  - { name: Tool, host: tool.desk.test, who: { people: [ravi] } }
`;

describe('The page of the gateway', () => {
  let rules: RulesFile;
  let server: TestServer;
  let admin: Visitor;

  beforeAll(async () => {
    rules = createRulesFile(RULES);
    server = await startTestServer({ env: { GATEWAY_RULES: rules.path, TRUST_PROXY: '127.0.0.1' } });
    admin = createVisitor(server.origin);
    await setUp(admin);
    await signIn(admin);
  });
  afterAll(async () => {
    await server.close();
    rules.remove();
  });

  const ask = (question: Readonly<Record<string, string>>) =>
    admin.get(`/security/gateway?${new URLSearchParams(question)}`);

  it('shows the rules in their order, and when each was last used', async () => {
    const before = await ask({});
    expect(before.text.match(/>never</g)).toHaveLength(3);
    await admin.get('/authz/nginx', {
      'X-Original-URL': 'http://tool.desk.test/orders/7',
      'X-Original-Method': 'GET',
    });
    const { status, text } = await ask({});
    expect(status).toBe(200);
    expect(text.match(/>never</g)).toHaveLength(2);
    expect(text).toMatch(/Health[\s\S]*Orders[\s\S]*asha[\s\S]*Tool/);
    expect(text).toContain('password within 10 min');
    expect(text).toContain('no activity');
  });

  it.each([
    [{ url: 'http://tool.desk.test/health' }, 'A stranger is allowed.', 'Health'],
    [{ url: 'http://tool.desk.test/orders' }, 'A stranger is led to the sign-in page.', 'Orders'],
    [{ url: 'http://tool.desk.test/orders', user: 'ASHA' }, 'ASHA is allowed.', 'Orders'],
    [{ url: 'http://tool.desk.test/x', user: 'asha' }, 'asha is refused.', 'Tool'],
    [{ url: 'http://tool.desk.test/health/../orders' }, 'A stranger is refused.', 'several ways'],
    [{ url: 'http://other.test/' }, 'A stranger is refused.', 'No rule'],
    [{ url: 'http://tool.desk.test/health', method: 'POST', user: 'asha' }, 'asha is refused.', 'Tool'],
  ])('says who may open an address: %j', async (question, answer, why) => {
    const { status, text } = await ask(question as Readonly<Record<string, string>>);
    expect(status).toBe(200);
    const notice = /<div class="notice [^"]*" role="status">([\s\S]*?)<\/div>/.exec(text)?.[1] ?? '';
    expect(notice).toContain(answer);
    expect(notice).toContain(why);
  });

  it.each([
    [{ url: 'tool' }, 'This is no whole address'],
    [{ url: 'http://tool.desk.test/', user: 'nobody' }, 'There is no account of this name'],
    [{ url: 'http://tool.desk.test/', method: '<b>' }, 'This is no whole address'],
  ])('says what is wrong with a question: %j', async (question, words) => {
    const { status, text } = await ask(question as Readonly<Record<string, string>>);
    expect(status).toBe(400);
    expect(text).toContain(words);
    expect(text).not.toContain('<b>');
  });

  it('keeps the last use over a restart', async () => {
    await server.services.gateway.uses.list();
    const rows = await server.infrastructure.database.db.selectFrom('gateway_uses').selectAll().execute();
    expect(rows).toMatchObject([{ rule: 'Orders', username: 'asha' }]);
  });
});

it('The page says how to turn the gateway on', async () => {
  const server = await startTestServer();
  const admin = createVisitor(server.origin);
  await setUp(admin);
  await signIn(admin);
  const { status, text } = await admin.get('/security/gateway');
  expect(status).toBe(200);
  expect(text).toContain('The gateway is off');
  await server.close();
});
