import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/core/duration.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { MORNING } from './broker-world.ts';
import { connectFake, createFakeBroker, type FakeBroker } from './fake-broker.ts';

const DATABASES = [
  ['SQLite', async () => ({})],
  ['Postgres', async () => ({ DATABASE_URL: await createPostgresDatabase() })],
] as const;
const PAGE = '/broker/logouts';

describe.each(DATABASES)('The page of sign-outs that no broker took, on %s', (_name, environment) => {
  let clock: SettableClock;
  let server: TestServer;
  let admin: Visitor;
  let broker: FakeBroker;

  beforeEach(async () => {
    clock = createSettableClock(MORNING);
    broker = createFakeBroker(clock);
    server = await startTestServer({
      clock,
      adapters: [broker.adapter],
      env: { ...(await environment()), SESSION_IDLE_TIMEOUT: 'off', SESSION_EXPIRY_TIME: 'off' },
    });
    admin = createVisitor(server.origin);
    await setUp(admin);
    await signIn(admin);
  });
  afterEach(() => server.close());

  const logouts = () => server.infrastructure.database.db.selectFrom('broker_logouts').selectAll().execute();
  const drain = () => server.services.brokers.logoutQueue.drain();
  const auditTypes = async () =>
    (
      await server.infrastructure.database.db.selectFrom('audit_log').select('type').orderBy('id').execute()
    ).map((row) => row.type);

  /** A logout that the broker did not take for a day. */
  async function giveUp(lifetimeMs = 2 * DAY_MS): Promise<void> {
    const expiresAt = clock.now() + lifetimeMs;
    broker.grant = () => ({ kind: 'granted', accessToken: 'marker-token', expiresAt });
    broker.onRevoke = async () => ({ kind: 'unreachable', why: 'network' });
    await connectFake(admin);
    await admin.submit('/broker/fake/disconnection', {}, '/broker');
    clock.advance(DAY_MS);
    expect(await drain()).toMatchObject({ dead: 1 });
  }

  it('lists them with their reason, and no token', async () => {
    expect((await admin.get(PAGE)).text).toContain('Every broker was told');
    await giveUp();
    const page = await admin.get(PAGE);
    for (const shown of ['asha', 'Fake broker', 'could not be reached', '(1 try)', 'Sun 22 Nov 2026'])
      expect(page.text).toContain(shown);
    expect(page.text).not.toMatch(/marker|gAAAAA/);
    expect((await admin.get('/broker')).text).toContain(`href="${PAGE}"`);
  });

  it('tries one again, with the whole patience of a new one', async () => {
    await giveUp();
    const [row] = await logouts();
    const answer = await admin.submit(`${PAGE}/${row?.id}/attempt`, {}, PAGE);
    expect(answer.location).toBe(PAGE);
    expect(await drain()).toMatchObject({ postponed: 1 });
    broker.onRevoke = async () => ({ kind: 'done' });
    clock.advance(HOUR_MS);
    expect(await drain()).toMatchObject({ done: 1 });
    expect(broker.ended).toEqual(['marker-token', 'marker-token', 'marker-token']);
    expect((await admin.get(PAGE)).text).toContain('Every broker was told');
    expect(await auditTypes()).toEqual(
      expect.arrayContaining(['broker.logout_tried_again', 'broker.logged_out_at_broker']),
    );
  });

  it('puts one away', async () => {
    await giveUp();
    const [row] = await logouts();
    await admin.submit(`${PAGE}/${row?.id}/dismissal`, {}, PAGE);
    expect(await logouts()).toEqual([]);
    expect(await auditTypes()).toContain('broker.logout_dismissed');
    expect((await admin.submit(`${PAGE}/${row?.id}/dismissal`, {}, '/auth/logout')).status).toBe(404);
  });

  it('wipes a token that the broker has ended by itself, and does not try it again', async () => {
    await giveUp();
    clock.advance(DAY_MS);
    await drain();
    const [row] = await logouts();
    expect(row).toMatchObject({ status: 'dead', access_token: null });
    const page = await admin.get(PAGE);
    expect(page.text).toContain('Ended by the broker');
    expect(page.text).not.toContain('/attempt');
    expect((await admin.submit(`${PAGE}/${row?.id}/attempt`, {}, PAGE)).status).toBe(404);
  });

  it('is for administrators, also one who no longer is one', async () => {
    await giveUp();
    const [row] = await logouts();
    const csrf = await admin.csrfTokenOf(PAGE);
    await server.infrastructure.database.db.updateTable('users').set({ role: 'user' }).execute();
    expect((await admin.get(PAGE)).status).toBe(403);
    for (const act of ['attempt', 'dismissal']) {
      const answer = await admin.post(
        `${PAGE}/${row?.id}/${act}`,
        { _csrf: csrf },
        { Origin: server.origin },
      );
      expect(answer.status).toBe(403);
    }
    expect(await logouts()).toMatchObject([{ status: 'dead' }]);
    expect((await createVisitor(server.origin).get(PAGE)).location).toContain('login_required');
  });
});
