import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HOUR_MS } from '../../../src/core/duration.ts';
import { NEW_SORTS_PER_HOUR } from '../../../src/security/csp-reports/report-intake.ts';
import { eventually } from '../../storage/eventually.ts';
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
  const write = () => server.services.cspReportPages.intake.write();

  test('are taken in both forms without a session, and listed for administrators in words', async () => {
    expect((await send(report('https://evil.example/a.png?secret=1'))).status).toBe(204);
    expect((await send(report('https://evil.example/a.png'))).status).toBe(204);
    const body = {
      documentURL: `${server.origin}/settings`,
      effectiveDirective: 'script-src-elem',
      blockedURL: 'inline',
    };
    expect((await send([{ type: 'csp-violation', body }], NEW)).status).toBe(204);
    await write();
    const { status, text } = await admin.get(PAGE);
    expect(status).toBe(200);
    expect(text).toContain('A picture was not loaded.');
    expect(text).toContain('https://evil.example/a.png');
    expect(text).toContain('A script was kept from running.');
    expect(text).toContain('1 to 2 of 2');
    expect(text).not.toContain('secret');
    expect((await admin.get(`${PAGE}?q=settings`)).text).toContain('1 to 1 of 1');
    expect((await admin.get(`${PAGE}?q=nothing`)).text).toContain('No report fits this search.');
  });

  test('are written by themselves soon after they came', async () => {
    await send(report('inline'));
    await eventually(async () => expect((await admin.get(PAGE)).text).toContain('1 to 1 of 1'));
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
    await write();
    expect((await admin.get(PAGE)).text).toContain('No browser has reported anything.');
  });

  test('that are made up fill nothing: so many sorts in an hour, and no more', async () => {
    for (let each = 0; each < NEW_SORTS_PER_HOUR + 30; each += 1)
      await send(report(`https://${each}.example/`));
    await send(report('https://0.example/'));
    await write();
    expect((await admin.get(PAGE)).text).toContain(`1 to 50 of ${NEW_SORTS_PER_HOUR},`);
    const { text } = await admin.get('/metrics');
    expect(text).toContain(`curfew_csp_reports_total{outcome="taken"} ${NEW_SORTS_PER_HOUR + 1}`);
    expect(text).toContain('curfew_csp_reports_total{outcome="dropped"} 30');
    clock.advance(HOUR_MS);
    await send(report('https://later.example/'));
    await write();
    await signIn(admin);
    expect((await admin.get(PAGE)).text).toContain('https://later.example/');
  });

  test('are cleared after a question, by administrators only, and that is recorded', async () => {
    await send(report('inline'));
    await write();
    expect((await admin.get(`${PAGE}/clearing`)).text).toContain('One sort of report is');
    expect((await admin.get(PAGE)).text).toContain('1 to 1 of 1');
    const cleared = await admin.submit(`${PAGE}/clearing`, {});
    expect(cleared.location).toBe(`${PAGE}?notice=cleared`);
    const { text } = await admin.get(cleared.location);
    expect(text).toContain('The list is cleared.');
    expect(text).toContain('No browser has reported anything.');
    const rows = await server.ports.database.db
      .selectFrom('audit_log')
      .selectAll()
      .where('type', '=', 'csp_reports.cleared')
      .execute();
    expect(rows).toMatchObject([{ actor: PERSON.username }]);

    await server.services.userAdmin.create(
      { username: 'ravi', email: 'ravi@example.org', password: PERSON.password, role: 'user' },
      { actor: 'test' },
    );
    const user = createVisitor(server.origin);
    await signIn(user, { username: 'ravi', password: PERSON.password });
    for (const path of [PAGE, `${PAGE}/clearing`]) expect((await user.get(path)).status).toBe(403);
  });

  test('are taken again within the hour after the clock was put back', async () => {
    clock.advance(48 * HOUR_MS);
    for (let each = 0; each < NEW_SORTS_PER_HOUR; each += 1) await send(report(`https://a.example/${each}`));
    clock.advance(-48 * HOUR_MS);
    await send(report('https://b.example/new'));
    await write();
    expect((await admin.get(`${PAGE}?q=b.example`)).text).toContain('https://b.example/new');
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
