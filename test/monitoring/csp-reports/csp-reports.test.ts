import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MINUTE_MS } from '../../../src/core/duration.ts';
import { MOST_REPORTS } from '../../../src/monitoring/csp-reports/report-log.ts';
import { createSettableClock, type SettableClock } from '../../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn, type Visitor } from '../../support/visitor.ts';

const OLD = 'application/csp-report';
const NEW = 'application/reports+json';
const PAGE = '/security/csp-reports';

describe('reports of what browsers have blocked', () => {
  let clock: SettableClock;
  let server: TestServer;
  let admin: Visitor;
  beforeEach(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    server = await startTestServer({ clock, env: { CSP_REPORT_RATE_LIMIT: '1000/minute' } });
    admin = createVisitor(server.origin);
    await setUp(admin);
    await signIn(admin);
  });
  afterEach(() => server.close());

  const send = (body: unknown, type = OLD, headers = {}) =>
    fetch(`${server.origin}/csp-reports`, {
      method: 'POST',
      headers: { 'Content-Type': type, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const report = (blocked: string, document = '/dashboard') => ({
    'csp-report': {
      'document-uri': server.origin + document,
      'effective-directive': 'img-src',
      'blocked-uri': blocked,
    },
  });

  test('are taken in both forms without a session, and listed for administrators in words', async () => {
    expect((await send(report('https://evil.example/a.png?secret=1'))).status).toBe(204);
    expect((await send(report('https://evil.example/a.png'))).status).toBe(204);
    const body = {
      documentURL: `${server.origin}/settings`,
      effectiveDirective: 'script-src-elem',
      blockedURL: 'inline',
    };
    expect((await send([{ type: 'csp-violation', body }], NEW)).status).toBe(204);
    const { status, text } = await admin.get(PAGE);
    expect(status).toBe(200);
    expect(text).toContain('A picture was not loaded.');
    expect(text).toContain('https://evil.example/a.png');
    expect(text).toContain('A script was kept from running.');
    expect(text).toContain('The last 2 of this process');
    expect(text.indexOf('A script was kept')).toBeLessThan(text.indexOf('A picture was not loaded.'));
    expect(text).toMatch(/data-label="Reports">2</);
    expect(text).not.toContain('secret');
    expect((await admin.get('/metrics')).text).toContain('curfew_csp_reports_total 3');
  });

  test('are answered the same whatever they say, and nothing that is no report is kept', async () => {
    const bodies: readonly (readonly [unknown, string])[] = [
      [report('inline'), 'text/plain'],
      [{ 'csp-report': 1 }, OLD],
      [[], NEW],
      [{ 'csp-report': { 'document-uri': 'https://elsewhere.example/' } }, OLD],
      ['', OLD],
    ];
    for (const [body, type] of bodies) expect((await send(body, type)).status).toBe(204);
    expect((await send('{"csp-', OLD)).status).toBe(400);
    expect((await send(report('x'.repeat(20_000)))).status).toBe(413);
    expect((await send('x', OLD, { 'Content-Encoding': 'gzip' })).status).toBe(400);
    expect((await admin.get(PAGE)).text).toContain('No browser has reported anything to this process');
  });

  test('that are made up fill nothing: the last hundred are kept, and one that comes again stays', async () => {
    await send(report('https://first.example/'));
    for (let each = 1; each < MOST_REPORTS; each += 1) await send(report(`https://${each}.example/`));
    await send(report('https://first.example/'));
    for (let each = 0; each < 30; each += 1) await send(report(`https://made-up-${each}.example/`));
    const { text } = await admin.get(PAGE);
    expect(text).toContain(`The last ${MOST_REPORTS} of this process`);
    expect(text).toContain('https://first.example/');
    expect(text).toContain('https://31.example/');
    expect(text).not.toContain('https://30.example/');
    expect((await admin.get('/metrics')).text).toContain(`curfew_csp_reports_total ${MOST_REPORTS + 31}`);
  });

  test('are logged once a minute, with how many there were, also after the clock was set back', async () => {
    const lines = () => server.logText().match(/.*Browsers reported content that the CSP blocks.*/g) ?? [];
    await send(report('https://a.example/?secret=1'));
    await send(report('https://b.example/'));
    await send(report('https://c.example/'));
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).toContain('https://a.example/');
    expect(lines()[0]).not.toContain('secret');
    clock.advance(MINUTE_MS);
    await send(report('https://d.example/'));
    expect(lines()).toHaveLength(2);
    expect(lines()[1]).toContain('"reports":3');
    clock.advance(-10 * MINUTE_MS);
    await send(report('https://e.example/'));
    expect(lines()).toHaveLength(3);
  });

  test('are listed for administrators only', async () => {
    await server.services.accounts.userAdmin.create(
      { username: 'ravi', email: 'ravi@example.org', password: PERSON.password, role: 'user' },
      { actor: 'test' },
    );
    const user = createVisitor(server.origin);
    await signIn(user, { username: 'ravi', password: PERSON.password });
    expect((await user.get(PAGE)).status).toBe(403);
  });

  test('have a limit of their own for each address', async () => {
    const small = await startTestServer({
      env: { CSP_REPORT_RATE_LIMIT: '2/minute', PUBLIC_RATE_LIMIT: '1/minute' },
    });
    const post = () =>
      fetch(`${small.origin}/csp-reports`, { method: 'POST', headers: { 'Content-Type': OLD } });
    const answers = [await post(), await post(), await post()];
    expect(answers.map(({ status }) => status)).toEqual([204, 204, 429]);
    expect(answers[2]?.headers.get('retry-after')).toMatch(/^\d+$/);
    await small.close();
  });

  test('have an address that takes POST and says so', async () => {
    const get = await fetch(`${server.origin}/csp-reports`);
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
  });

  test('are asked for by every page', async () => {
    const { headers } = await admin.get('/dashboard');
    expect(headers['content-security-policy']).toContain('report-uri /csp-reports');
  });
});
