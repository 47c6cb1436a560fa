import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createAdapters } from '../../src/broker/adapters/all-adapters.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/core/duration.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { MORNING } from './broker-world.ts';

const NOWHERE = 'http://127.0.0.1:1';

const WAYS = [
  ['embedded on SQLite', async (folder: string) => ({ DATABASE_URL: `sqlite:${join(folder, 'curfew.db')}` })],
  [
    'on Redis and Postgres',
    async () => ({
      DATABASE_URL: await createPostgresDatabase(),
      REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
    }),
  ],
] as const;

describe.each(WAYS)(
  'The practice broker’s tokens, renewed in the running product %s,',
  (_name, createEnv) => {
    const scratches: { remove(): void }[] = [];
    let clock: SettableClock;
    let env: Record<string, string>;
    let nodes: TestServer[];
    let visitor: Visitor;
    let userId: string;
    let brokerIsUp: boolean;

    beforeEach(async () => {
      clock = createSettableClock(MORNING);
      brokerIsUp = true;
      const scratch = createScratchDirectory('refresh');
      scratches.push(scratch);
      env = { ...(await createEnv(scratch.path)), SESSION_IDLE_TIMEOUT: 'off' };
      nodes = [];
      const node = await startNode();
      visitor = createVisitor(node.origin);
      await setUp(visitor);
      await signIn(visitor);
      await connectSandbox(visitor);
      userId = (
        await node.infrastructure.database.db.selectFrom('users').select('id').executeTakeFirstOrThrow()
      ).id;
    });
    afterEach(async () => {
      for (const node of nodes) await node.close();
      for (const scratch of scratches.splice(0)) scratch.remove();
    });

    /** Its BASE_URL is the first node's: the issuer is one and the same for all. */
    async function startNode(options: { readonly jobs?: boolean } = {}): Promise<TestServer> {
      const first = nodes[0];
      const publicOrigin = first?.origin;
      const node: TestServer = await startTestServer({
        clock,
        env: publicOrigin === undefined ? env : { ...env, BASE_URL: publicOrigin },
        ...options,
        ...(publicOrigin === undefined
          ? {}
          : {
              adapters: createAdapters({
                clock,
                publicOrigin,
                internalOrigin: () => (brokerIsUp ? publicOrigin : NOWHERE),
                sandbox: true,
              }),
            }),
      });
      nodes.push(node);
      return node;
    }

    const readOn = (node: TestServer | undefined) =>
      node?.services.brokers.reader.accessToken(userId, 'sandbox');
    const read = () => readOn(nodes[0]);
    async function token(): Promise<string> {
      const reading = await read();
      if (reading?.kind !== 'token') throw new Error(reading?.why);
      return reading.token;
    }
    const profileStatus = async (accessToken: string) =>
      (
        await fetch(`${nodes[0]?.origin}/sandbox/profile`, {
          headers: { authorization: `Bearer ${accessToken}` },
        })
      ).status;
    const run = (node = nodes[0]) => node?.services.brokers.refresher.drain();
    const page = async (path = '/broker') => (await visitor.get(path)).text.replaceAll(/<[^>]+>/g, '');

    it('go on for a whole trading day, each before its hour is over, and not past the cutoff', async () => {
      const seen = new Set<string>();
      expect(await page()).toContain('Connected until Sat 21 Nov 2026, 03:00:00 IST');
      while (clock.now() < Date.parse('2026-11-21T03:00:00+05:30')) {
        const current = await token();
        seen.add(current);
        expect(await profileStatus(current)).toBe(200);
        await run();
        clock.advance(4 * MINUTE_MS);
      }
      expect(seen.size).toBe(19);
      expect(await read()).toEqual({ kind: 'reauth_required', why: 'cutoff' });
      expect(await run()).toMatchObject({ refreshed: 0 });
      await nodes[0]?.services.revocation.sweep.runIfDue();
      await nodes[0]?.services.brokers.logoutQueue.drain();
      for (const each of seen) expect(await profileStatus(each)).toBe(401);
      expect(await run()).toMatchObject({ refreshed: 0 });
    });

    it('are asked for once, whichever of three nodes it is: a second use would end them all', async () => {
      await startNode();
      await startNode();
      clock.advance(55 * MINUTE_MS);
      const before = await token();
      const counts = await Promise.all([...nodes, ...nodes].map(run));
      // Two calls on one node share one drain and its tally.
      expect([...new Set(counts)].reduce((sum, count) => sum + (count?.refreshed ?? 0), 0)).toBe(1);
      const after = await token();
      expect(after).not.toBe(before);
      for (const node of nodes) expect(await readOn(node)).toMatchObject({ token: after });
      expect(await profileStatus(after)).toBe(200);
    });

    it('are renewed by the server itself, within half a minute of their time', async () => {
      await startNode({ jobs: true });
      const before = await token();
      clock.advance(55 * MINUTE_MS);
      await expect.poll(token, { timeout: 30 * SECOND_MS, interval: 500 }).not.toBe(before);
      expect(await profileStatus(await token())).toBe(200);
    }, 45_000);

    it('are kept while the broker is away, and renewed when it is back', async () => {
      const node = await startNode();
      brokerIsUp = false;
      clock.advance(55 * MINUTE_MS);
      expect(await run(node)).toMatchObject({ postponed: 1 });
      expect(await read()).toMatchObject({ kind: 'token' });
      expect(await page()).toContain('Ends soon: connected until Fri 20 Nov 2026, 10:15:00 IST');
      clock.advance(10 * MINUTE_MS);
      expect(await run(node)).toMatchObject({ postponed: 1 });
      expect(await read()).toEqual({ kind: 'reauth_required', why: 'expired_at_broker' });
      brokerIsUp = true;
      clock.advance(5 * MINUTE_MS);
      expect(await run(node)).toMatchObject({ refreshed: 1 });
      expect(await profileStatus(await token())).toBe(200);
      expect(await page()).toContain('Connected until Sat 21 Nov 2026, 03:00:00 IST');
    });

    it('end with the connection when the broker refuses for good, and the person reads why', async () => {
      await fetch(`${nodes[0]?.origin}/sandbox/revoke`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: 'curfew', token: await token() }),
      });
      clock.advance(55 * MINUTE_MS);
      expect(await run()).toMatchObject({ ended: 1 });
      expect(await read()).toEqual({ kind: 'reauth_required', why: 'refused_by_broker' });
      expect(await page()).toContain('The broker refused to renew the connection. Connect again.');
      await connectSandbox(visitor);
      expect(await profileStatus(await token())).toBe(200);
    });

    it('are all dead at the broker after a sign-out, the refresh token with them', async () => {
      clock.advance(55 * MINUTE_MS);
      await run();
      const last = await token();
      // The server slept for three hours: no access token is alive any more, but the login there is.
      clock.advance(3 * HOUR_MS);
      await visitor.submit('/auth/logout', {}, '/auth/logout');
      expect(await nodes[0]?.services.brokers.logoutQueue.drain()).toMatchObject({ done: 1 });
      expect(await profileStatus(last)).toBe(401);
      const alive = await nodes[0]?.infrastructure.database.db
        .selectFrom('sandbox_refresh_tokens')
        .selectAll()
        .where('ended_at', 'is', null)
        .execute();
      expect(alive).toEqual([]);
    });
  },
);
