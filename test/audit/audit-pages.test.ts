import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/core/duration.ts';
import { postgresLocation } from '../support/databases.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';

const MORNING = '2026-11-20T09:15:00+05:30';
const RAVI = { username: 'ravi', email: 'ravi@example.org', password: 'lantern-orchid-ferry-77' } as const;
const DATABASES = [
  ['SQLite', async () => 'sqlite::memory:'],
  [
    'Postgres',
    async () => {
      const location = await postgresLocation();
      return location.dialect === 'postgres' ? location.url : '';
    },
  ],
] as const;

describe.each(DATABASES)('the pages of the audit log on %s', (_name, urlOf) => {
  let clock: SettableClock;
  let server: TestServer;
  let asha: Visitor;

  beforeEach(async () => {
    clock = createSettableClock(MORNING);
    server = await startTestServer({ clock, env: { DATABASE_URL: await urlOf(), TRUST_PROXY: '127.0.0.1' } });
    asha = createVisitor(server.origin);
    await setUp(asha);
    await signIn(asha);
  });
  afterEach(() => server.close());

  const titlesOn = async (path: string): Promise<readonly string[]> =>
    [...(await asha.get(path)).text.matchAll(/class="event">\s*([^<]+?)\s*</g)].map(
      ([, title = '']) => title,
    );
  const from = (address: string) => ({ 'X-Forwarded-For': address });

  it('tell what happened in words, newest first, with facts folded away', async () => {
    await asha.post('/auth/login', { username: 'x' }, { Origin: server.origin });
    const { text } = await asha.get('/security/audit');
    expect(await titlesOn('/security/audit')).toEqual(['Request refused', 'Signed in', 'Account made']);
    expect(text).toContain('The account asha was made, as administrator.');
    expect(text).toMatch(/<details>[\s\S]*&#34;type&#34;: &#34;login.succeeded&#34;[\s\S]*<\/details>/);
    const { head } = await server.services.auditLog.rows.end();
    expect(text).toContain(`${head.seq}:${head.hash}`);
  });

  it('are for administrators alone', async () => {
    const ravi = createVisitor(server.origin);
    await server.services.accounts.userAdmin.create({ ...RAVI, role: 'user' }, { actor: 'cli' });
    await signIn(ravi, RAVI);
    for (const path of ['audit', 'audit/export.jsonl', 'receipts', 'receipts/1'])
      expect((await ravi.get(`/security/${path}`)).status).toBe(403);
    expect((await createVisitor(server.origin).get('/security/audit')).status).toBe(303);
    expect(await titlesOn('/security/audit?kind=refusals')).toEqual(['Request refused']);
    expect((await asha.get('/security/audit?kind=refusals')).text).toMatch(
      /ravi was turned away from \/security\/audit: it is not for them/,
    );
  });

  it('have nothing that changes or removes an event', async () => {
    const { text } = await asha.get('/security/audit');
    const forms = [...text.matchAll(/<form[^>]*action="([^"]+)"[^>]*method="([^"]+)"/g)];
    expect(forms.filter(([, , method]) => method === 'post').map(([, action]) => action)).toEqual([
      '/auth/logout',
    ]);
    for (const path of ['/security/audit', '/security/receipts', '/security/audit/export.jsonl'])
      expect((await asha.submit(path, {}, '/settings')).status).toBe(405);
  });

  it.each([
    ['by=cli', ['Account made']],
    ['by=nobody', []],
    ['about=RAVI', ['Account disabled', 'Account made']],
    ['kind=people', ['Account disabled', 'Account made', 'Account made']],
    ['kind=alerts', []],
    ['address=203.0.113.77', ['Sign-in failed']],
    ['address=203.0.113.77/32', ['Sign-in failed']],
    ['request=r-77', ['Account disabled']],
    // A name that no account has is not written down.
    ['q=mallory', []],
    ['q=such', ['Sign-in failed']],
    ['q=SUCH+fail', ['Sign-in failed']],
    ['q=such+signed', []],
    ['q=ravi', ['Account disabled', 'Account made']],
    ['q=100%25_', []],
    ['from=2026-11-20T10:00', ['Account disabled']],
    ['to=2026-11-20T10:00&by=asha', ['Signed in', 'Account made']],
    ['from=nonsense&by=cli', ['Account made']],
    ['kind=people&by=cli&q=ravi&about=ravi', ['Account made']],
  ])('find %s', async (query, titles) => {
    await server.services.accounts.userAdmin.create({ ...RAVI, role: 'user' }, { actor: 'cli' });
    const stranger = createVisitor(server.origin);
    const token = await stranger.csrfTokenOf('/auth/login');
    await stranger.post(
      '/auth/login',
      { username: 'mallory', password: 'wrong', _csrf: token },
      { Origin: server.origin, ...from('203.0.113.77') },
    );
    clock.advance(HOUR_MS);
    await signIn(asha);
    const ravi = await server.services.accounts.userAdmin.list();
    await server.services.audit.record(
      { type: 'account.disabled', userId: ravi.find(({ username }) => username === 'ravi')?.id ?? '' },
      { actor: 'asha', requestId: 'r-77' },
    );
    const found = (await titlesOn(`/security/audit?${query}`)).filter(
      (title) => title !== 'Signed in' || query.startsWith('to='),
    );
    expect(found).toEqual(titles);
  });

  it('lead from page to page and back without missing an event', async () => {
    await server.services.audit.recordMany(
      Array.from({ length: 120 }, (_, each) => ({ type: 'account.enabled', userId: `u${each}` }) as const),
      { actor: 'cli' },
    );
    const seen: string[] = [];
    let path: string | undefined = '/security/audit?by=cli';
    let last = '';
    while (path !== undefined) {
      const { text } = await asha.get(path);
      seen.push(...[...text.matchAll(/<dt>Row<\/dt><dd>(\d+)/g)].map(([, seq = '']) => seq));
      last = text;
      path = /href="([^"]+)" rel="next"/.exec(text)?.[1]?.replaceAll('&amp;', '&').replaceAll('&#38;', '&');
    }
    expect(seen).toEqual(Array.from({ length: 120 }, (_, each) => String(122 - each)));
    const back =
      /href="([^"]+)" rel="prev"/.exec(last)?.[1]?.replaceAll('&amp;', '&').replaceAll('&#38;', '&') ?? '';
    const { text } = await asha.get(back);
    expect([...text.matchAll(/<dt>Row<\/dt><dd>(\d+)/g)].map(([, seq]) => seq)).toEqual(seen.slice(50, 100));
  });

  it('look for words in a part of the log at a time, and say so', async () => {
    await server.services.audit.record(
      { type: 'login.failed', username: 'needle', why: 'credentials' },
      { actor: 'x' },
    );
    await server.services.audit.recordMany(
      Array.from({ length: 10_500 }, () => ({ type: 'account.enabled', userId: 'u' }) as const),
      { actor: 'cli' },
    );
    const { text } = await asha.get('/security/audit?q=needle');
    expect(text).toContain('Nothing among the events that were looked through so far.');
    const further =
      /href="([^"]+)">Look further/.exec(text)?.[1]?.replaceAll('&amp;', '&').replaceAll('&#38;', '&') ?? '';
    expect(await titlesOn(further)).toEqual(['Sign-in failed']);
  });

  it('export JSON Lines with the head at the end, and record that', async () => {
    const { text, headers } = await asha.get('/security/audit/export.jsonl');
    expect(headers['content-type']).toContain('application/jsonl');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ type }) => type)).toEqual([
      'account.created',
      'login.succeeded',
      'export.taken',
      undefined,
    ]);
    expect(lines.at(-1)).toMatchObject({ head: { seq: 3, hash: lines[2].hash }, rows: 3, complete: true });
    await asha.get('/security/bans/export.csv');
    await expect
      .poll(() => titlesOn('/security/audit?kind=audit'))
      .toEqual(['Data exported', 'Data exported']);
    expect((await asha.get('/security/audit?kind=audit')).text).toContain(
      'The list of bans was taken out: as CSV.',
    );
  });

  it('show a row as text, whatever is in it', async () => {
    await server.services.audit.record(
      { type: 'login.failed', username: '<img src=x onerror=alert(1)>', why: 'credentials' },
      { actor: '<b>x</b>', address: '"><script>', requestId: '<i>' },
    );
    const { text } = await asha.get('/security/audit');
    expect(text).not.toMatch(/<img src=x|<b>x<|<script>|<i>/);
    expect(text).toContain('&lt;img src=x');
  });

  it('show events of types that nobody knows any more, or yet', async () => {
    const event = { type: 'future.thing_happened', userId: 'u', colour: 'red' } as never;
    await server.services.audit.record(event, { actor: 'asha' });
    await server.services.audit.record({ type: 'settings.changed', userId: 'u', what: ['theme'] } as never, {
      actor: 'asha',
    });
    const { text } = await asha.get('/security/audit');
    expect(text).toContain('Future thing happened');
    expect(text).toContain('colour red');
    expect(text).toContain('changed theme.');
  });

  it('say when the chain was verified, and that it is broken', async () => {
    expect((await asha.get('/security/audit')).text).toContain('Not yet: the server does it once a day');
    await server.services.auditLog.keeper.runIfDue();
    expect((await asha.get('/security/audit')).text).toMatch(/just now<\/time>, up to row 2/);
    const lines = server.logText();
    expect(lines).toMatch(/The head of the audit log is 3:[0-9a-f]{64}/);

    await server.services.auditLog.keeper.runIfDue();
    expect((await server.services.auditLog.rows.end()).head.seq).toBe(3);
    const { db, dialect } = server.infrastructure.database;
    const { sql } = await import('kysely');
    if (dialect === 'postgres') await sql`alter table audit_log disable trigger user`.execute(db);
    else await sql`drop trigger audit_log_is_fixed`.execute(db);
    await sql`update audit_log set actor = 'nobody' where id = 3`.execute(db);
    clock.advance(DAY_MS);
    await signIn(asha);
    await server.services.auditLog.keeper.runIfDue();
    const { text } = await asha.get('/security/audit');
    expect(text).toMatch(/role="alert"[\s\S]*The audit log is broken\.[\s\S]*Row 3 does not fit/);
    expect(server.logText()).toMatch(/"level":(50|"error")[^\n]*The audit log is broken/);
    expect(await titlesOn('/security/audit?kind=audit&q=broken')).toEqual(['Audit log broken']);
  });

  it('record a refused request once an hour for each address, however many there are', async () => {
    for (let each = 0; each < 3; each += 1)
      await asha.post('/settings', {}, { Origin: server.origin, ...from('203.0.113.5') });
    await asha.post('/settings', {}, { Origin: server.origin, ...from('203.0.113.6') });
    expect(await titlesOn('/security/audit?kind=refusals')).toHaveLength(2);
    clock.advance(HOUR_MS);
    await signIn(asha);
    await asha.post('/settings', {}, { Origin: server.origin, ...from('203.0.113.5') });
    expect(await titlesOn('/security/audit?kind=refusals')).toHaveLength(3);
  });

  it('record what is refused to those who are signed in, also while strangers are refused by the thousand', async () => {
    const tries = Array.from({ length: 520 }, (_, each) => each.toString(16));
    for (const each of tries) {
      const headers = { Origin: 'https://elsewhere.example', ...from(`2001:db8:0:${each}::1`) };
      await fetch(`${server.origin}/auth/login`, { method: 'POST', headers });
    }
    await asha.post('/settings', {}, { Origin: server.origin });
    const found = await server.infrastructure.database.db
      .selectFrom('audit_log')
      .select('actor')
      .where('type', '=', 'request.refused')
      .execute();
    expect(found.length).toBe(501);
    expect(found.filter(({ actor }) => actor === PERSON.username)).toHaveLength(1);
  });

  it('record who took a list out, also by an address with a slash behind it', async () => {
    for (const path of ['bans/export.csv', 'bans/export.json/', 'traffic/export.csv/'])
      expect((await asha.get(`/security/${path}`)).status).toBe(200);
    const taken = () =>
      server.infrastructure.database.db
        .selectFrom('audit_log')
        .select('detail')
        .where('type', '=', 'export.taken')
        .execute();
    await expect.poll(async () => (await taken()).length).toBe(3);
    const details = (await taken()).map(({ detail }): unknown => JSON.parse(detail));
    expect(details).toMatchObject([
      { what: 'bans', scope: 'as CSV' },
      { what: 'bans', scope: 'as JSON' },
      { what: 'traffic', scope: 'as CSV' },
    ]);
  });

  it('are verified anew after a clock was ahead for a while and was put back', async () => {
    clock.advance(400 * DAY_MS);
    await server.services.auditLog.keeper.runIfDue();
    clock.advance(-400 * DAY_MS);
    await server.services.auditLog.keeper.runIfDue();
    await server.services.auditLog.keeper.runIfDue();
    expect(await titlesOn('/security/audit?kind=audit')).toHaveLength(2);
  });

  it('have nothing of an address but its beginning, where the rest may be a secret', async () => {
    const stranger = createVisitor(server.origin);
    await stranger.post('/auth/login/marker-secret-77/more', {}, { Origin: 'https://elsewhere.example' });
    await asha.post('/settings/x/marker-secret-77', {}, { Origin: server.origin });
    const rows = await server.infrastructure.database.db.selectFrom('audit_log').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain('marker-secret-77');
    expect(JSON.stringify(rows)).toContain('/settings/x/…');
  });

  it('have settings as they were and as they are', async () => {
    await asha.submit('/settings', {
      theme: 'dark',
      dateFormat: 'iso',
      alertMinutes: '5',
      idleTimeout: 'server',
      defaultBroker: 'server',
    });
    const rows = await server.infrastructure.database.db
      .selectFrom('audit_log')
      .select('detail')
      .where('type', '=', 'settings.changed')
      .execute();
    expect(rows).toHaveLength(1);
    const { what, before, after } = JSON.parse(rows[0]?.detail ?? '');
    expect(what.length).toBeGreaterThan(0);
    for (const name of what) expect(before[name]).not.toEqual(after[name]);
    expect(after.theme).toBe('dark');
  });

  describe('of receipts', () => {
    beforeEach(async () => {
      await connectSandbox(asha);
      await asha.submit('/auth/logout', { everywhere: 'yes' }, '/dashboard');
      await signIn(asha);
    });

    it('show each step in words, with what the broker said', async () => {
      const before = (await asha.get('/security/receipts')).text;
      expect(before).toMatch(/>asha<[\s\S]*>Signed out everywhere</);
      expect(before).toContain('Practice broker: access and feed token');
      expect(before).toContain('access tokens 0, feed tokens 0, symbols 0');
      expect(before).toMatch(
        /timeline-queued">\s*<div>Sign-out at the broker[\s\S]*Practice broker asked, no answer yet/,
      );
      await server.services.brokers.logoutQueue.drain();
      const after = (await asha.get('/security/receipts')).text;
      expect(after).toMatch(/timeline-done">\s*<div>Sign-out at the broker[\s\S]*Practice broker signed out/);
      expect((await asha.get('/dashboard')).text).toContain('Practice broker signed out');
    });

    it('have a page of their own, and none for what is no receipt', async () => {
      const { text } = await asha.get('/security/receipts');
      const href = /<a href="(\/security\/receipts\/\d+)"/.exec(text)?.[1] ?? '';
      const page = (await asha.get(href)).text;
      expect(page).toContain('The whole account');
      expect(page).toMatch(/\d ms/);
      for (const other of ['1', '999999', 'x', '0x1'])
        expect((await asha.get(`/security/receipts/${other}`)).status).toBe(404);
    });

    it('are found by person and by reason', async () => {
      const shown = async (query: string) =>
        (await asha.get(`/security/receipts?${query}`)).text.match(/: receipt \d+</g)?.length ?? 0;
      clock.set('2026-11-21T03:00:00+05:30');
      await server.services.revocation.sweep.runIfDue();
      await signIn(asha);
      expect(await shown('')).toBe(2);
      expect(await shown('reason=cutoff')).toBe(1);
      expect(await shown('reason=logged_out_everywhere')).toBe(1);
      expect(await shown('reason=idle')).toBe(0);
      expect(await shown(`person=${PERSON.username}`)).toBe(1);
      expect(await shown('person=nobody')).toBe(0);
    });

    it('tie a step that was pending to the receipt of when it was done', async () => {
      const receipt = {
        orderId: 'order-77',
        reason: 'idle',
        scope: 'account',
        userId: 'u-1',
        orderedAt: clock.now(),
        status: 'queued',
        lines: [{ step: 'sessions', status: 'queued', count: 0, ms: 1 }],
      } as const;
      const { audit } = server.services;
      await audit.record({ type: 'revocation.carried_out', receipt }, { actor: 'system' });
      clock.advance(1000);
      await audit.record(
        {
          type: 'revocation.carried_out',
          receipt: {
            ...receipt,
            status: 'done',
            lines: [{ step: 'sessions', status: 'done', count: 1, ms: 2 }],
          },
        },
        { actor: 'system' },
      );
      const { text } = await asha.get('/security/receipts?reason=idle');
      const [later = '', first = ''] = [...text.matchAll(/<a href="(\/security\/receipts\/\d+)"/g)].map(
        ([, href]) => href,
      );
      expect((await asha.get(first)).text).toMatch(new RegExp(`href="${later}">Later`));
      expect((await asha.get(first)).text).toContain('Some steps were pending');
      expect((await asha.get(later)).text).toMatch(new RegExp(`href="${first}">Earlier`));
    });
  });
});
