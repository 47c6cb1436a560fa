import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';

const MINUTE_MS = 60_000;
const JSON_ONLY = { Accept: 'application/json' };

describe('the pages of one’s own sessions', () => {
  let clock: SettableClock;
  let server: TestServer;
  let visitor: Visitor;

  beforeEach(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    server = await startTestServer({ clock });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
  });
  afterEach(() => server.close());

  async function anotherDevice(): Promise<Visitor> {
    const device = createVisitor(server.origin);
    await signIn(device);
    return device;
  }

  async function devices() {
    const { userId } = await server.infrastructure.database.db
      .selectFrom('users')
      .select('id as userId')
      .executeTakeFirstOrThrow();
    return server.services.sessions.lifecycle.devicesOf(userId);
  }

  describe('tell a script when the session ends', () => {
    const state = async () => (await visitor.get('/auth/session', JSON_ONLY)).body;

    it('by the cutoff and by the idle limit, in Indian time', async () => {
      expect(await state()).toEqual({
        now: '2026-11-23T10:00:00.000+05:30',
        cutoff: '2026-11-24T03:00:00.000+05:30',
        idleDeadline: '2026-11-23T10:30:00.000+05:30',
      });
    });

    it('which asking does not put off', async () => {
      clock.advance(20 * MINUTE_MS);
      for (let each = 0; each < 3; each += 1) await state();
      expect(await state()).toMatchObject({ idleDeadline: '2026-11-23T10:30:00.000+05:30' });
      clock.advance(10 * MINUTE_MS);
      const answer = await visitor.get('/auth/session', JSON_ONLY);
      expect(answer.status).toBe(401);
      expect(answer.body).toMatchObject({ error: 'session_expired', reason: 'idle' });
    });

    it('which using does put off', async () => {
      clock.advance(20 * MINUTE_MS);
      await visitor.get('/sessions');
      await eventually(async () =>
        expect(await state()).toMatchObject({ idleDeadline: '2026-11-23T10:50:00.000+05:30' }),
      );
    });

    it('and that it does not, where nothing ends it', async () => {
      server.services.policy.replace({ cutoffTime: 'off', idleTimeoutMs: 'off' });
      expect(await state()).toMatchObject({ cutoff: null, idleDeadline: null });
    });
  });

  it('show every device, by a name that is not its session id', async () => {
    await anotherDevice();
    const { text } = await visitor.get('/sessions');
    const known = await devices();
    expect(known).toHaveLength(2);
    for (const { sid } of known) expect(text).not.toContain(sid);
    expect(text).not.toContain('&lt;');
    // What is stored of the device in front of one may be a minute old.
    expect([...text.matchAll(/class="line-end">(Now|<time)/g)].map(([, shown]) => shown).sort()).toEqual([
      '<time',
      'Now',
    ]);
  });

  it('show what a device says of itself as text and never as markup', async () => {
    const odd = createVisitor(server.origin);
    const token = await odd.csrfTokenOf('/auth/login');
    await odd.post(
      '/auth/login',
      { username: 'asha', password: 'quiet-monsoon-harbour-42', _csrf: token },
      { Origin: server.origin, 'User-Agent': '<img src=x onerror=alert(1)>/1.0' },
    );
    expect(await devices()).toHaveLength(2);
    expect((await visitor.get('/sessions')).text).not.toContain('<img src=x');
  });

  it('ask before they sign out, and say how many other devices there are', async () => {
    await anotherDevice();
    const { status, text } = await visitor.get('/auth/logout');
    expect(status).toBe(200);
    expect(text).toContain('everywhere');
    expect(await devices()).toHaveLength(2);
  });

  it.each(['yes', 'on', 'true', '1', 'YES'])(
    'sign out everywhere where the form says %s',
    async (everywhere) => {
      const other = await anotherDevice();
      await visitor.submit('/auth/logout', { everywhere }, '/auth/logout');
      expect((await other.get('/sessions')).location).toContain('reason=revoked');
    },
  );

  it.each(['no', 'false', '0', 'off', '', 'nowhere'])(
    'sign out on this device alone where the form says %j',
    async (everywhere) => {
      const other = await anotherDevice();
      await visitor.submit('/auth/logout', { everywhere }, '/auth/logout');
      expect((await visitor.get('/sessions')).status).toBe(303);
      expect((await other.get('/sessions')).status).toBe(200);
    },
  );

  it('take the same from a program’s JSON, and nothing odd for a yes', async () => {
    const other = await anotherDevice();
    const logOut = async (everywhere: unknown) =>
      fetch(`${server.origin}/auth/logout`, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          'content-type': 'application/json',
          cookie: `curfew=${visitor.sessionCookie()}`,
          'x-csrf-token': await visitor.csrfTokenOf('/auth/logout'),
        },
        body: JSON.stringify({ everywhere }),
      });
    for (const odd of [false, 0, null, { toString: 1 }, ['yes']]) {
      expect((await logOut(odd)).status).toBe(303);
      expect((await other.get('/sessions')).status).toBe(200);
      await signIn(visitor);
    }
    expect((await logOut(true)).status).toBe(303);
    expect((await other.get('/sessions')).status).toBe(303);
  });

  it('lead to the sign-out page from the device in one’s hand', async () => {
    const [own] = await devices();
    const answer = await visitor.submit(`/sessions/${own?.deviceId}/revocation`, {}, '/auth/logout');
    expect(answer.status).toBe(303);
    expect(answer.location).toBe('/auth/logout');
    expect(await devices()).toHaveLength(1);
  });

  it('know no device by any other name', async () => {
    const [own] = await devices();
    for (const name of ['nothing', encodeURIComponent(own?.sid ?? ''), '..', '%00', '__proto__'])
      expect((await visitor.submit(`/sessions/${name}/revocation`, {}, '/auth/logout')).status, name).toBe(
        404,
      );
    expect(await devices()).toHaveLength(1);
  });

  it('never say that somebody is signed out who is not', async () => {
    const broken = vi.spyOn(server.services.registry, 'endThroughEpoch').mockRejectedValue(new Error('down'));
    const answer = await visitor.submit('/auth/logout', {}, '/auth/logout');
    expect(answer.status).toBe(503);
    expect(answer.text).toContain('not signed out yet');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(answer.headers['clear-site-data']).toBeUndefined();
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect((await visitor.get('/sessions')).status).toBe(200);

    broken.mockRestore();
    clock.advance(2000);
    expect(await server.services.revocation.revoker.retryDue()).toBe(1);
    expect((await visitor.get('/sessions')).status).toBe(303);
  });

  it('clear the cookie and what the browser keeps at sign-out', async () => {
    const answer = await visitor.submit('/auth/logout', {}, '/auth/logout');
    expect(answer.status).toBe(303);
    expect(answer.location).toBe('/auth/login?reason=logged_out');
    expect(answer.headers['clear-site-data']).toBe('"cache", "storage"');
    expect(String(answer.headers['set-cookie'])).toMatch(/^curfew=; Path=\/; Expires=Thu, 01 Jan 1970/);
  });
});
