import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { KEPT_FORM_LIFETIME_MS } from '../../src/accounts/kept-forms.ts';
import { MINUTE_MS } from '../../src/core/duration.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { startRedis } from '../support/redis-server.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import {
  type Answer,
  createVisitor,
  keptFormIn,
  PERSON,
  setUp,
  signIn,
  type Visitor,
} from '../support/visitor.ts';

const INVITATIONS = '/users/invitations';
const KEYS = '/broker/zerodha/credentials';
const SECRET = 'Xk39vQpLw8Zt52RmYd71';
const RAVI = { username: 'ravi', password: 'long-quiet-evening-77' };

describe.each(['SQLite', 'Postgres, with two nodes and Redis'])('A kept form on %s', (stores) => {
  const clock = createSettableClock('2026-11-20T12:00:00+05:30');
  let redis: Awaited<ReturnType<typeof startRedis>> | undefined;
  let server: TestServer;
  let other: TestServer;
  let asha: Visitor;

  beforeAll(async () => {
    redis = stores === 'SQLite' ? undefined : await startRedis();
    const scaled = redis && { DATABASE_URL: await createPostgresDatabase(), REDIS_URL: redis.url };
    const env = {
      SESSION_IDLE_TIMEOUT: 'off',
      SESSION_EXPIRY_TIME: '03:00',
      MAX_SESSIONS_PER_USER: '50',
      ...scaled,
    };
    server = await startTestServer({ clock, env });
    other = scaled ? await startTestServer({ clock, env: { ...env, BASE_URL: server.origin } }) : server;
    await setUp(createVisitor(server.origin));
    const ravi = { ...RAVI, email: 'ravi@example.org', role: 'admin' as const };
    await server.services.accounts.userAdmin.create(ravi, { actor: 'test' });
  });
  afterAll(async () => {
    if (other !== server) await other.close();
    await server.close();
    await redis?.stop();
  });
  beforeEach(async () => {
    clock.advance(1000);
    asha = createVisitor(server.origin);
    await signIn(asha);
  });

  const send = (who: Visitor, path: string, fields: Record<string, string>) =>
    who.post(path, fields, { Origin: server.origin, Referer: `${server.origin}${path}` });
  const invited = async () => (await server.services.accounts.invitations.list()).map(({ email }) => email);

  /** A form that was opened in time, and is sent too late. */
  async function sendLate(who: Visitor, path: string, fields: Record<string, string>): Promise<Answer> {
    const _csrf = await who.csrfTokenOf('/settings');
    clock.advance(30 * MINUTE_MS);
    return send(who, path, { ...fields, _csrf });
  }

  /** What the page's form sends, and where the browser sends it again. */
  async function confirm(who: Visitor, page: Answer, password: string = PERSON.password) {
    const fields = { password, keptForm: keptFormIn(page) ?? '', _csrf: await who.csrfTokenOf('/settings') };
    const answer = await send(who, '/auth/confirm', fields);
    return { answer, again: (path = answer.location) => send(who, path, fields) };
  }

  it('is carried out behind the password, once, and the page says what it does', async () => {
    const page = await sendLate(asha, INVITATIONS, { email: 'once@example.org', role: 'viewer' });
    expect([page.status, page.text]).toEqual([
      403,
      expect.stringContaining('<strong>Invite someone</strong>'),
    ]);
    expect(await invited()).not.toContain('once@example.org');

    const wrong = await confirm(asha, page, 'not the password');
    expect(wrong.answer.text).toContain('The password is wrong');
    const { answer, again } = await confirm(asha, wrong.answer);
    expect([answer.status, answer.location]).toEqual([307, INVITATIONS]);
    const done = await again();
    expect(done.text).toContain('The invitation is ready');
    expect(await invited()).toContain('once@example.org');

    const twice = await again();
    expect([twice.status, twice.text]).toEqual([403, expect.stringContaining('was sent already')]);
    expect((await invited()).filter((email) => email === 'once@example.org')).toHaveLength(1);
  });

  it('is done once when it is sent twice at once, also at two nodes', async () => {
    const page = await sendLate(asha, INVITATIONS, { email: 'twice@example.org', role: 'viewer' });
    const { again } = await confirm(asha, page);
    const fields = { keptForm: keptFormIn(page) ?? '', _csrf: await asha.csrfTokenOf('/settings') };
    const elsewhere = createVisitor(other.origin);
    elsewhere.useSessionCookie(asha.sessionCookie());
    const answers = await Promise.all([again(), send(elsewhere, INVITATIONS, fields), again()]);
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(2);
    expect((await invited()).filter((email) => email === 'twice@example.org')).toHaveLength(1);
  });

  it('keeps secrets as well, and shows and stores them nowhere meanwhile', async () => {
    const page = await sendLate(asha, KEYS, { apiKey: 'my-app-key', apiSecret: SECRET });
    expect(page.text).not.toContain(SECRET);
    expect(page.text).not.toContain('my-app-key');
    const { again } = await confirm(asha, page);
    expect((await again()).location).toBe('/broker?notice=credentials_saved');
    expect((await asha.get(KEYS)).text).toContain('ending in …-key');
    expect(server.logText()).not.toContain(SECRET);
    expect(server.logText()).not.toContain(PERSON.password);
  });

  it('does nothing without the confirmation: it is asked for again, and kept', async () => {
    const page = await sendLate(asha, INVITATIONS, { email: 'unproved@example.org', role: 'viewer' });
    const fields = { keptForm: keptFormIn(page) ?? '', _csrf: await asha.csrfTokenOf('/settings') };
    const asked = await send(asha, INVITATIONS, fields);
    expect(await invited()).not.toContain('unproved@example.org');
    const { again } = await confirm(asha, asked);
    expect((await again()).text).toContain('The invitation is ready');
  });

  it('waits beside that of another tab', async () => {
    const first = await sendLate(asha, INVITATIONS, { email: 'tab1@example.org', role: 'viewer' });
    const _csrf = await asha.csrfTokenOf('/settings');
    const second = await send(asha, INVITATIONS, { email: 'tab2@example.org', role: 'viewer', _csrf });
    for (const page of [second, first]) await (await confirm(asha, page)).again();
    expect(await invited()).toEqual(expect.arrayContaining(['tab1@example.org', 'tab2@example.org']));
  });

  it('counts neither changed, nor in another session, nor of another user, nor after half an hour', async () => {
    const page = await sendLate(asha, INVITATIONS, { email: 'hostile@example.org', role: 'admin' });
    const sealed = keptFormIn(page) ?? '';
    const [device, ravi] = [createVisitor(server.origin), createVisitor(server.origin)];
    await signIn(device);
    await signIn(ravi, RAVI);
    const changed = `${sealed.slice(0, 60)}${sealed[60] === 'A' ? 'B' : 'A'}${sealed.slice(61)}`;
    const refused: readonly (readonly [Visitor, string])[] = [
      [asha, changed],
      [asha, 'no seal at all'],
      [device, sealed],
      [ravi, sealed],
    ];
    for (const [who, keptForm] of refused) {
      const _csrf = await who.csrfTokenOf('/settings');
      const password = who === ravi ? RAVI.password : PERSON.password;
      const asked = await send(who, '/auth/confirm', { password, keptForm, _csrf });
      expect([asked.status, asked.text]).toEqual([400, expect.stringContaining('is not kept any more')]);
      expect(keptFormIn(asked)).toBeUndefined();
      await send(who, '/auth/confirm', { password, _csrf });
      const direct = await send(who, INVITATIONS, { keptForm, _csrf });
      expect([direct.status, direct.text]).toEqual([403, expect.stringContaining('too old or not yours')]);
    }
    clock.advance(KEPT_FORM_LIFETIME_MS);
    expect((await confirm(asha, page)).answer.text).toContain('is not kept any more');
    expect(await invited()).not.toContain('hostile@example.org');
  });

  it('goes where it was sent, and nowhere else', async () => {
    const page = await sendLate(asha, INVITATIONS, { email: 'path@example.org', role: 'viewer' });
    const { again } = await confirm(asha, page);
    for (const path of ['/users', '/api-keys', `${INVITATIONS}?x=1`]) {
      const answer = await again(path);
      expect([answer.status, answer.text]).toEqual([403, expect.stringContaining('too old or not yours')]);
    }
    expect((await again()).text).toContain('The invitation is ready');
  });

  it('needs the token of a form, when it is sent and when it is carried out', async () => {
    clock.advance(30 * MINUTE_MS);
    const forged = await send(asha, INVITATIONS, { email: 'forged@example.org', role: 'admin', _csrf: 'x' });
    expect([forged.status, keptFormIn(forged)]).toEqual([403, undefined]);
    const page = await sendLate(asha, INVITATIONS, { email: 'forged@example.org', role: 'viewer' });
    await confirm(asha, page);
    const keptForm = keptFormIn(page) ?? '';
    expect((await send(asha, INVITATIONS, { keptForm })).status).toBe(403);
    const foreign = { _csrf: await asha.csrfTokenOf('/settings'), keptForm };
    expect((await asha.post(INVITATIONS, foreign, { Origin: 'https://evil.example' })).status).toBe(403);
    expect(await invited()).not.toContain('forged@example.org');
  });

  it('ends with its session: at a logout, and at the cutoff', async () => {
    for (const end of ['logout', 'cutoff'] as const) {
      const page = await sendLate(asha, INVITATIONS, { email: `${end}@example.org`, role: 'viewer' });
      if (end === 'logout') await asha.submit('/auth/logout', {}, '/settings');
      else clock.set('2026-11-21T03:00:00+05:30');
      const fields = { password: PERSON.password, keptForm: keptFormIn(page) ?? '' };
      expect((await send(asha, '/auth/confirm', fields)).location).toMatch(/^\/auth\/login/);
      await signIn(asha);
      const _csrf = await asha.csrfTokenOf('/settings');
      expect((await send(asha, INVITATIONS, { ...fields, _csrf })).text).toContain('too old or not yours');
      expect(await invited()).not.toContain(`${end}@example.org`);
    }
  });

  it('is refused to who may not send it any more', async () => {
    const ravi = createVisitor(server.origin);
    await signIn(ravi, RAVI);
    const page = await sendLate(ravi, INVITATIONS, { email: 'demoted@example.org', role: 'admin' });
    const { again } = await confirm(ravi, page, RAVI.password);
    const { userAdmin } = server.services.accounts;
    await userAdmin.changeRole(RAVI.username, 'user', { actor: 'test' });
    expect((await again()).text).toContain('for administrators');
    await userAdmin.changeRole(RAVI.username, 'admin', { actor: 'test' });
    expect(await invited()).not.toContain('demoted@example.org');
  });

  it('is none where a file comes with it, or too much: the page says so and leads back', async () => {
    const large = await sendLate(asha, INVITATIONS, { email: 'x'.repeat(16 * 1024), role: 'viewer' });
    const _csrf = await asha.csrfTokenOf('/settings');
    const form = new FormData();
    form.set('_csrf', _csrf);
    form.set('file', new Blob(['203.0.113.7']), 'bans.txt');
    const upload = await fetch(`${server.origin}/security/bans/import`, {
      method: 'POST',
      body: form,
      headers: { Cookie: `curfew=${asha.sessionCookie()}`, Origin: server.origin, Accept: 'text/html' },
    });
    for (const { status, text } of [large, { status: upload.status, text: await upload.text() }]) {
      expect([status, text]).toEqual([403, expect.stringContaining('choose its file again')]);
      expect(keptFormIn({ status, text })).toBeUndefined();
    }
    const fields = { password: PERSON.password, notKept: 'yes', returnTo: INVITATIONS, _csrf };
    const wrong = await send(asha, '/auth/confirm', { ...fields, password: 'wrong' });
    expect(wrong.text).toContain('choose its file again');
    expect((await send(asha, '/auth/confirm', fields)).location).toBe(INVITATIONS);
  });
});
