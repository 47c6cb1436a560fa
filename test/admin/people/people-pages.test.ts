import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { generateTotpSecret } from '../../../src/accounts/second-factor/totp.ts';
import { createApiClient, makeKey } from '../../api/api-client.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';
import { totpCode } from '../../support/totp-code.ts';
import { connectSandbox, createVisitor, PERSON, setUp, signIn, type Visitor } from '../../support/visitor.ts';

const OTHER = { username: 'ravi', password: 'long-quiet-evening-77', email: 'ravi@example.org' } as const;

describe('the pages about people', () => {
  let server: TestServer;
  let admin: Visitor;
  let person: Visitor;
  let adminId: string;
  let otherId: string;

  beforeAll(async () => {
    server = await startTestServer();
    await setUp(createVisitor(server.origin));
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    const { userAdmin } = server.services.accounts;
    const { lifecycle } = server.services.sessions;
    const ravi = (await userAdmin.list()).find((user) => user.username === 'ravi');
    if (ravi === undefined) await userAdmin.create({ ...OTHER, role: 'user' }, { actor: 'test' });
    else {
      await userAdmin.enable('ravi', { actor: 'test' });
      await userAdmin.resetPassword('ravi', OTHER.password, { actor: 'test' });
    }
    await userAdmin.changeRole('asha', 'admin', { actor: 'test' });
    await userAdmin.changeRole('ravi', 'user', { actor: 'test' });
    for (const user of await userAdmin.list()) {
      if (user.username === 'asha') adminId = user.id;
      if (user.username === 'ravi') otherId = user.id;
    }
    await lifecycle.endAccount(adminId, 'logged_out', { actor: 'test' });
    admin = createVisitor(server.origin);
    person = createVisitor(server.origin);
    await signIn(admin);
    await signIn(person, OTHER);
  });

  const rowOf = async (username: string) => (await admin.get(`/users?q=${username}`)).text;
  const lastEvent = async (types = 'account.%') => {
    const row = await server.infrastructure.database.db
      .selectFrom('audit_log')
      .selectAll()
      .where('type', 'like', types)
      .orderBy('id', 'desc')
      .executeTakeFirstOrThrow();
    return { ...(JSON.parse(row.detail) as object), type: row.type, actor: row.actor, userId: row.user_id };
  };
  const temporaryPasswordIn = (text: string) => /id="temporary-password">([^<]+)</.exec(text)?.[1] ?? '';

  it('are for administrators', async () => {
    for (const path of ['/users', '/users/new', `/users/${adminId}`, `/users/${adminId}/role`]) {
      expect((await person.get(path)).status).toBe(403);
      expect((await createVisitor(server.origin).get(path)).location).toMatch(/^\/auth\/login/);
    }
    for (const act of ['', `/${adminId}/disabling`, `/${otherId}/role`, `/${adminId}/password`])
      expect((await person.submit(`/users${act}`, { role: 'admin' }, '/dashboard')).status).toBe(403);
    expect((await admin.get('/users')).status).toBe(200);
    expect((await admin.get('/users/nobody')).status).toBe(404);
    expect((await admin.submit('/users/nobody/disabling', {}, '/users/new')).status).toBe(404);
  });

  it('list who is there: role, last sign-in, sessions, brokers', async () => {
    await connectSandbox(person);
    const text = await rowOf('ravi');
    expect(text).toMatch(/ravi[\s\S]*Trader[\s\S]*just now<\/time>[\s\S]*Sessions">1<[\s\S]*Brokers">1</);
    expect(text).not.toContain('asha@example.org');
    expect(await rowOf('RAVI@EXAMPLE')).toContain('ravi@example.org');
    expect(await rowOf('100%25')).toContain('No name or address has');
    await server.services.accounts.userAdmin.create(
      { username: 'meera', email: 'meera@example.org', role: 'user' },
      { actor: 'test' },
    );
    expect(await rowOf('meera')).toContain('Never');
  });

  it('are paged through', async () => {
    const { db } = server.infrastructure.database;
    const row = await db.selectFrom('users').selectAll().where('id', '=', otherId).executeTakeFirstOrThrow();
    const many = Array.from({ length: 120 }, (_, index) => {
      const username = `crowd-${String(index).padStart(3, '0')}`;
      return { ...row, id: username, username, username_key: username, last_sign_in_at: null };
    });
    await db.insertInto('users').values(many).execute();
    const first = await admin.get('/users?q=crowd');
    expect(first.text).toContain('1 to 50 of 120');
    expect(first.text).not.toContain('crowd-050');
    expect((await admin.get('/users?q=crowd&page=3')).text).toMatch(/101 to 120 of 120[\s\S]*crowd-119/);
    expect((await admin.get('/users?q=crowd&page=9')).text).toContain('There are no more people.');
    await db.deleteFrom('users').where('username_key', 'like', 'crowd-%').execute();
  });

  it('make an account whose password is shown once and stored nowhere', async () => {
    const wrong = await admin.submit(
      '/users',
      { username: 'x', email: 'nowhere', role: 'user' },
      '/users/new',
    );
    expect(wrong.status).toBe(400);
    expect(wrong.text).toMatch(/at least 3 characters[\s\S]*value="nowhere"/);
    const made = await admin.submit(
      '/users',
      { username: 'kiran', email: 'kiran@example.org', role: 'admin' },
      '/users/new',
    );
    expect(made.status).toBe(201);
    expect(made.headers['cache-control']).toBe('no-store');
    const password = temporaryPasswordIn(made.text);
    expect(await lastEvent()).toMatchObject({
      type: 'account.created',
      actor: 'asha',
      username: 'kiran',
      role: 'admin',
    });
    await signIn(createVisitor(server.origin), { username: 'kiran', password });
    expect(server.logText()).not.toContain(password);
    const { db } = server.infrastructure.database;
    for (const table of ['audit_log', 'users', 'sessions', 'revocations', 'bus_messages'] as const)
      expect(JSON.stringify(await db.selectFrom(table).selectAll().execute())).not.toContain(password);
    await server.services.accounts.userAdmin.disable('kiran', { actor: 'test' });
  });

  it('disable and enable after a question, and what they had ends', async () => {
    await connectSandbox(person);
    const question = await admin.get(`/users/${otherId}/disabling`);
    expect(question.text).toMatch(/one session[\s\S]*one broker connection/);
    expect((await person.get('/dashboard')).status).toBe(200);
    const { location } = await admin.submit(`/users/${otherId}/disabling`);
    expect((await person.get('/dashboard')).location).toContain('reason=revoked');
    expect((await admin.get(location)).text).toMatch(
      /everything of theirs has ended[\s\S]*<dt>Account<\/dt><dd>Disabled</,
    );
    expect(await lastEvent()).toMatchObject({ type: 'account.disabled', actor: 'asha', userId: otherId });
    expect((await createVisitor(server.origin).submit('/auth/login', OTHER)).status).toBe(401);

    expect((await admin.get(`/users/${otherId}/enabling`)).status).toBe(200);
    await admin.submit(`/users/${otherId}/enabling`);
    expect(await lastEvent()).toMatchObject({ type: 'account.enabled', actor: 'asha' });
    await signIn(createVisitor(server.origin), OTHER);
  });

  it('reset a second factor after a question, and say so', async () => {
    const { secondFactor } = server.services.accounts;
    const secret = generateTotpSecret();
    const code = totpCode(secret);
    await secondFactor.enrol({ userId: otherId, secret }, code, { actor: 'test' });
    expect((await admin.get(`/users/${otherId}/factors`)).text).toContain('stop working');
    expect(await secondFactor.has(otherId)).toBe(true);
    const { location } = await admin.submit(`/users/${otherId}/factors`);
    expect((await admin.get(location)).text).toContain('Their second factor and recovery codes are removed.');
    expect(await secondFactor.has(otherId)).toBe(false);
    expect(await lastEvent('totp.%')).toMatchObject({ type: 'totp.reset', actor: 'asha', userId: otherId });
  });

  it('give a new password, which ends what began with the old one', async () => {
    expect((await admin.get(`/users/${otherId}/password`)).status).toBe(200);
    expect((await person.get('/dashboard')).status).toBe(200);
    const done = await admin.submit(`/users/${otherId}/password`);
    const password = temporaryPasswordIn(done.text);
    expect((await person.get('/dashboard')).location).toContain('reason=revoked');
    expect((await createVisitor(server.origin).submit('/auth/login', OTHER)).status).toBe(401);
    await signIn(createVisitor(server.origin), { username: 'ravi', password });
    expect(await lastEvent()).toMatchObject({ type: 'account.password_reset', actor: 'asha' });
    expect(server.logText()).not.toContain(password);
  });

  it('revoke the API keys with a new password after they have said how many, or keep them', async () => {
    const keys = [await makeKey(person), await makeKey(person)];
    const works = async () =>
      Promise.all(
        keys.map(
          async ({ key }) => (await createApiClient(server.origin, key).ask('/api/v1/session')).status,
        ),
      );
    const question = await admin.get(`/users/${otherId}/password`);
    expect(question.text).toContain('2 API keys');
    const kept = await admin.submit(`/users/${otherId}/password`, { keepApiKeys: 'yes' });
    expect(kept.text).not.toContain('revoked');
    expect(await works()).toEqual([200, 200]);
    const done = await admin.submit(`/users/${otherId}/password`);
    expect(done.text).toContain('2 API keys were revoked.');
    expect(await works()).toEqual([401, 401]);
    expect((await admin.get(`/users/${otherId}/password`)).text).not.toContain('keepApiKeys');
    const { rows } = await sql<{ n: number }>`
      select count(*) as n from audit_log where type = 'api_key.revoked' and actor = 'asha'`.execute(
      server.infrastructure.database.db,
    );
    expect(Number(rows[0]?.n)).toBe(2);
  });

  it('change a role for the very next request, and the person’s pages follow', async () => {
    expect((await person.get('/dashboard')).text).not.toContain('href="/security"');
    await admin.submit(`/users/${otherId}/role`, { role: 'admin' });
    expect(await lastEvent()).toMatchObject({
      type: 'account.role_changed',
      before: 'user',
      after: 'admin',
      actor: 'asha',
    });
    expect((await person.get('/users')).status).toBe(200);
    expect((await person.get('/dashboard')).text).toContain('href="/security"');

    await person.submit(`/users/${adminId}/role`, { role: 'user' });
    expect((await admin.get('/users')).status).toBe(403);
    expect((await admin.get('/dashboard')).text).not.toContain('href="/security"');
    expect((await admin.submit(`/users/${otherId}/role`, { role: 'user' }, '/dashboard')).status).toBe(403);
  });

  it('a second click does not turn a role back', async () => {
    await admin.submit(`/users/${otherId}/role`, { role: 'admin' });
    const again = await admin.submit(`/users/${otherId}/role`, { role: 'admin' });
    expect(again.location).toContain('role_unchanged');
    expect((await admin.submit(`/users/${otherId}/role`, { role: 'root' })).status).toBe(400);
    expect((await person.get('/users')).status).toBe(200);
  });

  it('the last administrator can neither be disabled nor made less', async () => {
    for (const [act, fields] of [
      ['disabling', {}],
      ['role', { role: 'user' }],
    ] as const) {
      const answer = await admin.submit(`/users/${adminId}/${act}`, fields);
      expect(answer.status).toBe(403);
      expect(answer.text).toContain('last administrator');
    }
    expect((await admin.get('/users')).status).toBe(200);
    expect(PERSON.username).toBe('asha');
  });
});
