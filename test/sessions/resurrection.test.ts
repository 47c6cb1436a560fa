import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createRedisDatabase } from '../support/redis-server.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { openSideDoor, type SideDoor, type SignedIn, type SlowRequest } from './side-door.ts';

/** How a request that changes its session and a logout may fall together; most often tried where both race. */
const MEETINGS: Readonly<Record<string, Meeting>> = {
  'the change is made and saved after the logout': {
    tries: 50,
    changes: 'after waiting',
    meet: async (logOut, slow) => {
      await logOut();
      await slow.finish();
    },
  },
  'the change is made before the logout and saved after it': {
    tries: 50,
    changes: 'before waiting',
    meet: async (logOut, slow) => {
      await logOut();
      await slow.finish();
    },
  },
  'the logout sets out first and both are on their way': {
    tries: 200,
    changes: 'after waiting',
    meet: async (logOut, slow, stagger) =>
      void (await Promise.all([logOut(), stagger().then(() => slow.finish())])),
  },
  'the change sets out first and both are on their way': {
    tries: 200,
    changes: 'after waiting',
    meet: async (logOut, slow, stagger) => void (await Promise.all([slow.finish(), stagger().then(logOut)])),
  },
  'the change is saved before the logout': {
    tries: 50,
    changes: 'after waiting',
    meet: async (logOut, slow) => {
      await slow.finish();
      await logOut();
    },
  },
};

interface Meeting {
  readonly tries: number;
  readonly changes: 'before waiting' | 'after waiting';
  readonly meet: (
    logOut: () => Promise<void>,
    slow: SlowRequest,
    stagger: () => Promise<void>,
  ) => Promise<void>;
}

describe.each([
  ['the embedded store', async () => ({})],
  ['Redis', async () => ({ REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }) })],
] as const)('a logout on %s', (_name, settings) => {
  let server: TestServer;
  let door: SideDoor;

  beforeAll(async () => {
    server = await startTestServer({ env: { ...(await settings()), LOG_LEVEL: 'fatal' } });
    door = await openSideDoor(server);
  });
  afterAll(async () => {
    await door.close();
    await server.close();
  });

  /** As a browser does it: the form of the real server. */
  async function logOut({ cookie, csrfToken }: SignedIn, fields: Record<string, string>): Promise<void> {
    const response = await fetch(`${server.origin}/auth/logout`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie, origin: server.origin },
      body: new URLSearchParams({ _csrf: csrfToken, ...fields }),
    });
    if (response.status !== 303) throw new Error(`Logging out answered ${response.status}`);
    await response.arrayBuffer();
  }

  it('would be undone by what the slow request saves: without a logout it sticks', async () => {
    const browser = await door.signIn('control');
    const slow = await door.writeSlowly(browser, 'after waiting');
    await slow.finish();
    expect((await server.services.sessions.lifecycle.devicesOf('control'))[0]?.address).toBe('192.0.2.99');
  });

  it.each(Object.entries(MEETINGS))(
    'is final every time when %s',
    { timeout: 180_000 },
    async (_how, { tries, changes, meet }) => {
      let final = 0;
      for (let attempt = 0; attempt < tries; attempt += 1) {
        const userId = `user-${attempt}`;
        const other = attempt % 2 === 0 ? undefined : await door.signIn(userId);
        const browser = await door.signIn(userId);
        const slow = await door.writeSlowly(browser, changes);
        await meet(
          () => logOut(browser, attempt % 4 < 2 ? {} : { everywhere: 'yes' }),
          slow,
          () => sleep((attempt % 12) / 2),
        );
        const dashboard = await fetch(`${server.origin}/dashboard`, {
          headers: { cookie: browser.cookie, accept: 'text/html' },
          redirect: 'manual',
        });
        await dashboard.arrayBuffer();
        const left = (await server.services.sessions.lifecycle.devicesOf(userId)).map(({ sid }) => sid);
        const stays = other !== undefined && attempt % 4 < 2 ? [other.sid] : [];
        if (
          dashboard.status === 303 &&
          (await door.who(browser)).status === 401 &&
          JSON.stringify(left) === JSON.stringify(stays)
        )
          final += 1;
        if (stays.length > 0)
          await server.services.sessions.lifecycle.endAccount(userId, 'logged_out', { actor: 'test' });
      }
      expect(final).toBe(tries);
    },
  );
});
