import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { newSignedInSessionId } from '../../../src/sessions/session-id.ts';
import type { SessionCursor } from '../../../src/sessions/session-storage.ts';
import { saveBody, sessionBody } from '../../sessions/stored-sessions.ts';
import { createRedisDatabase } from '../../support/redis-server.ts';
import { createSettableClock } from '../../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../../support/visitor.ts';

const OTHER = { username: 'ravi', password: 'long-quiet-evening-77', email: 'ravi@example.org' } as const;
const START = '2026-11-20T12:00:00+05:30';

const WAYS = [
  ['embedded', () => Promise.resolve({})],
  ['with Redis', async () => ({ REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }) })],
] as const;

describe.each(WAYS)('everybody’s sessions, %s', (_name, settings) => {
  const clock = createSettableClock(START);
  let server: TestServer;
  let admin: Visitor;
  let person: Visitor;
  let otherId: string;

  beforeAll(async () => {
    server = await startTestServer({ clock, env: { ...(await settings()), MAX_SESSIONS_PER_USER: '20' } });
    await setUp(createVisitor(server.origin));
    const made = await server.services.accounts.userAdmin.create(
      { ...OTHER, role: 'user' },
      { actor: 'test' },
    );
    if (made.kind !== 'created') throw new Error(made.kind);
    otherId = made.user.id;
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    await server.services.revocation.revoker.revoke({ kind: 'sweep', before: clock.now() + 1 }, 'cutoff', {
      actor: 'test',
    });
    clock.advance(60_000);
    admin = createVisitor(server.origin);
    person = createVisitor(server.origin);
    await signIn(admin);
    await signIn(person, OTHER);
  });

  const deviceIdOf = async () => (await server.services.registry.listByUser(otherId))[0]?.deviceId ?? 'none';
  const isSignedIn = async (visitor: Visitor) => (await visitor.get('/dashboard')).status === 200;

  async function addSessions(count: number, address: (index: number) => string): Promise<void> {
    const { sessionStorage } = server.infrastructure;
    for (let start = 0; start < count; start += 500) {
      await Promise.all(
        Array.from({ length: Math.min(500, count - start) }, async (_, offset) => {
          const index = start + offset;
          const facts = { userId: `user-${index % 4000}`, loginTime: clock.now() - 1 - index };
          const sid = newSignedInSessionId(facts.userId, facts.loginTime);
          await sessionStorage.registry.register({ sid, epoch: 0, ...facts });
          await saveBody(sessionStorage, sid, { ...sessionBody(facts), address: address(index) });
        }),
      );
    }
  }

  it('are for administrators, in both directions', async () => {
    for (const path of ['', '/revocation', `/${otherId}/revocation`, `/${otherId}/x/revocation`]) {
      const address = `/security/sessions${path}`;
      expect((await person.get(address)).status).toBe(403);
      expect((await createVisitor(server.origin).get(address)).location).toMatch(/^\/auth\/login/);
      if (path !== '') expect((await person.submit(address, {}, '/dashboard')).status).toBe(403);
    }
    expect(await isSignedIn(admin)).toBe(true);
  });

  it('are listed with whose, from where, since when, and which is yours', async () => {
    const { text } = await admin.get('/security/sessions');
    expect(text).toContain('2 sessions');
    expect(text).toMatch(/asha <span class="tag">This session/);
    expect(text).toContain('ravi');
    expect(text).toContain('127.0.0.1');
    expect(text).not.toContain('s.'.concat(otherId));
  });

  it('are found by person, address and device', async () => {
    const find = async (query: string) => (await admin.get(`/security/sessions?${query}`)).text;
    expect(await find('person=rav')).toMatch(/ravi/);
    expect(await find('person=rav')).not.toContain('">This session');
    expect(await find('person=nobody')).toContain('No session fits');
    expect(await find('q=127.0')).toContain('2 sessions on this page');
    expect(await find('q=unknown+dev')).toContain('2 sessions on this page');
    expect(await find('q=203.0.113')).toContain('No session fits');
    expect(await find('person=rav&q=203.0.113')).toContain('No session fits');
  });

  it('one is ended after a question that changes nothing', async () => {
    const second = createVisitor(server.origin);
    clock.advance(1000);
    await signIn(second, OTHER);
    const path = `/security/sessions/${otherId}/${await deviceIdOf()}/revocation`;
    expect((await admin.get(path)).text).toContain('and their broker connections, stay');
    expect(await isSignedIn(person)).toBe(true);
    const done = await admin.submit(path);
    expect(await isSignedIn(person)).toBe(false);
    expect(await isSignedIn(second)).toBe(true);
    const receipt = await admin.get(done.location);
    expect(receipt.text).toMatch(
      /What was ended[\s\S]*An administrator ended it[\s\S]*Sessions ended[\s\S]*<strong>1</,
    );
    expect((await admin.get(path)).location).toBe('/security/sessions?notice=gone');
    expect((await admin.submit(path, {}, '/security/sessions/revocation')).location).toBe(
      '/security/sessions?notice=gone',
    );
  });

  it('the last one of a person takes their broker connections with it, and the page says so before', async () => {
    await connectSandbox(person);
    const path = `/security/sessions/${otherId}/${await deviceIdOf()}/revocation`;
    expect((await admin.get(path)).text).toMatch(/only session of ravi[\s\S]*one broker connection/);
    await admin.submit(path);
    expect(await server.services.brokers.countConnectionsOf([otherId])).toEqual(new Map());
    expect((await person.get('/dashboard')).location).toContain('reason=revoked');
  });

  it('everything of a person is ended by one order', async () => {
    const second = createVisitor(server.origin);
    await signIn(second, OTHER);
    await connectSandbox(second);
    const path = `/security/sessions/${otherId}/revocation`;
    expect((await admin.get(path)).text).toMatch(/2 sessions[\s\S]*one broker connection/);
    const { location } = await admin.submit(path);
    expect([await isSignedIn(person), await isSignedIn(second), await isSignedIn(admin)]).toEqual([
      false,
      false,
      true,
    ]);
    expect((await admin.get(location)).text).toMatch(
      /Broker tokens revoked[\s\S]*<strong>1<[\s\S]*Sessions ended[\s\S]*<strong>2</,
    );
    expect((await admin.get('/security/sessions/nobody/revocation')).status).toBe(404);
  });

  it('everybody’s are ended, the administrator’s own included, who reads the receipt after signing in', async () => {
    await connectSandbox(person);
    const question = await admin.get('/security/sessions/revocation');
    expect(question.text).toMatch(/2 sessions[\s\S]*one broker connection[\s\S]*Your own session ends too/);
    expect([await isSignedIn(person), await isSignedIn(admin)]).toEqual([true, true]);
    const { location } = await admin.submit('/security/sessions/revocation');
    expect(await isSignedIn(person)).toBe(false);
    expect(await server.services.brokers.countConnectionsOf([otherId])).toEqual(new Map());
    const toLogin = await admin.get(location);
    expect(toLogin.location).toContain('reason=revoked');
    clock.advance(10);
    await signIn(admin);
    expect((await admin.get(location)).text).toMatch(/Sessions ended[\s\S]*<strong>2<[\s\S]*2 people/);
    const row = await server.infrastructure.database.db
      .selectFrom('audit_log')
      .selectAll()
      .where('type', '=', 'revocation.carried_out')
      .orderBy('id', 'desc')
      .executeTakeFirstOrThrow();
    expect(row).toMatchObject({ actor: 'asha', address: '127.0.0.1' });
  });

  it('of one’s own there is signing out', async () => {
    const [own] = (await server.services.registry.listNewest(undefined, 50)).sessions.filter(
      ({ device }) => device.username === 'asha',
    );
    const path = `/security/sessions/${own?.device.userId}/${own?.device.deviceId}/revocation`;
    expect((await admin.get(path)).location).toBe('/auth/logout');
    expect((await admin.submit(path, {}, '/security/sessions/revocation')).location).toBe('/auth/logout');
    expect(await isSignedIn(admin)).toBe(true);
  });

  it('ten thousand are paged through, and searched a bounded part at a time', {
    timeout: 60_000,
  }, async () => {
    await addSessions(10_000, (index) => (index === 9_999 ? '198.51.100.77' : '192.0.2.1'));
    const first = await admin.get('/security/sessions');
    expect(first.text).toContain('10,002 sessions');
    const seen = new Set<string>();
    let next: string | undefined = '/security/sessions';
    for (let pages = 0; pages < 4 && next !== undefined; pages += 1) {
      const { text } = await admin.get(next);
      for (const [, href] of text.matchAll(/href="(\/security\/sessions\/user[^"]*\/revocation)"/g))
        seen.add(href ?? '');
      next = nextOf(text);
    }
    expect(seen.size).toBeGreaterThanOrEqual(198);

    let page = await admin.get('/security/sessions?q=198.51.100.77');
    let turns = 1;
    while (!page.text.includes('1 session on this page') && turns < 10) {
      expect(page.text).toContain('Look further');
      page = await admin.get(nextOf(page.text) ?? '');
      turns += 1;
    }
    expect(turns).toBe(5);
    const places: (SessionCursor | undefined)[] = [undefined];
    let total = 0;
    for (const from of places) {
      const batch = await server.services.registry.listNewest(from, 500);
      total += batch.sessions.length;
      if (batch.next !== undefined) places.push(batch.next);
    }
    expect(total).toBe(10_002);
  });
});

function nextOf(text: string): string | undefined {
  return /href="([^"]+)" rel="next"/.exec(text)?.[1]?.replaceAll('&amp;', '&');
}
