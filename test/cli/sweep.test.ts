import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lastCutoff } from '../../src/core/cutoff.ts';
import { DAY_MS, HOUR_MS } from '../../src/core/duration.ts';
import { toIstIso } from '../../src/core/ist.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { CLI_TEST_TIMEOUT_MS, createProjectCopy, type ProjectCopy } from './project-copy.ts';
import { WAYS_TO_RUN } from './ways-to-run.ts';

const CUTOFF_TIME = { hour: 3, minute: 0 };

describe.each(WAYS_TO_RUN)('sweep, %s', { timeout: CLI_TEST_TIMEOUT_MS }, (_name, createStores) => {
  let project: ProjectCopy;
  let server: TestServer;
  /** The server's; the command line goes by the real one. */
  let clock: SettableClock;
  let cutoff: number;
  let yesterday: Visitor;
  let today: Visitor;
  beforeEach(async () => {
    cutoff = lastCutoff(Date.now(), CUTOFF_TIME);
    clock = createSettableClock(cutoff - HOUR_MS);
    project = createProjectCopy({ ...(await createStores()), SESSION_IDLE_TIMEOUT: 'off' });
    server = await startTestServer({ clock, env: project.settings });
    yesterday = createVisitor(server.origin);
    today = createVisitor(server.origin);
    await setUp(yesterday);
    await signIn(yesterday);
    await connectSandbox(yesterday);
    clock.set(Date.now());
    await signIn(today);
  });
  afterEach(async () => {
    await server.close();
    project.remove();
  });

  const sweep = (...args: string[]) => project.curfew(['sweep', ...args]);
  const sweepOrders = () =>
    server.infrastructure.database.db
      .selectFrom('revocations')
      .selectAll()
      .where('reason', '=', 'cutoff')
      .execute();
  const openTokens = async () => {
    const rows = await server.infrastructure.database.db
      .selectFrom('broker_tokens')
      .select('is_revoked')
      .execute();
    return rows.filter((row) => row.is_revoked === 0).length;
  };

  it('--dry-run says what would end, and changes nothing', async () => {
    const { status, stdout, stderr } = await sweep('--dry-run', '--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      cutoff: toIstIso(cutoff),
      dryRun: true,
      sessions: 1,
      brokerTokens: 1,
      receipt: null,
    });
    expect((await sweep('--dry-run')).stdout).toMatch(
      /sessions +1\n +broker tokens +1\nNothing was changed\.\n$/,
    );
    expect(await sweepOrders()).toEqual([]);
    expect(await openTokens()).toBe(1);
    expect(await server.services.registry.countBefore(cutoff)).toBe(1);
  });

  it('ends what is from before the cutoff, and nothing from after it', async () => {
    const { status, stdout, stderr } = await sweep('--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      cutoff: toIstIso(cutoff),
      dryRun: false,
      sessions: 1,
      brokerTokens: 1,
      receipt: { reason: 'cutoff', scope: 'sweep', userId: null, status: 'done' },
    });
    expect(await openTokens()).toBe(0);
    expect((await yesterday.get('/dashboard')).location).toContain('reason=cutoff');
    expect((await today.get('/dashboard')).status).toBe(200);
  });

  it('takes the cutoff from the servers, and looks again where it was swept already', async () => {
    expect((await sweep()).status).toBe(0);
    // A server whose clock stood still would take it for a sweep from the future.
    clock.set(Date.now());
    expect(await server.services.revocation.sweep.runIfDue()).toBeUndefined();
    const again = await sweep('--json');
    expect(again.status).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({
      sessions: 0,
      brokerTokens: 0,
      receipt: { status: 'done' },
    });
    expect(await sweepOrders()).toHaveLength(2);
    expect(await server.services.revocation.revocations.lastSweptCutoff()).toBe(cutoff);
  });

  it('--at ends what is from before that instant, as if the cutoff had been then', async () => {
    const now = new Date().toISOString();
    expect(JSON.parse((await sweep('--at', now, '--dry-run', '--json')).stdout)).toMatchObject({
      sessions: 2,
    });
    const { status, stdout } = await sweep('--at', now);
    expect(status).toBe(0);
    expect(stdout).toMatch(/ {2}sessions +2 ended \(1 person\)\n/);
    expect((await today.get('/dashboard')).status).toBe(303);
    // The cutoff itself is still to be swept by whoever does that.
    expect(await server.services.revocation.revocations.lastSweptCutoff()).toBeUndefined();
    expect(await server.services.revocation.sweep.runIfDue()).toBeDefined();
  });

  it('--at spares what began at the instant itself', async () => {
    const [session] = await server.services.sessions.lifecycle.devicesOf(
      (await server.services.accounts.userAdmin.list())[0]?.id ?? '',
    );
    const loginTime = session?.loginTime ?? 0;
    const countAt = async (instant: number) =>
      JSON.parse((await sweep('--at', toIstIso(instant), '--dry-run', '--json')).stdout).sessions;
    expect(await countAt(loginTime)).toBe(1);
    expect(await countAt(loginTime + 1)).toBe(2);
    expect(JSON.parse((await sweep('--at', toIstIso(loginTime), '--json')).stdout).sessions).toBe(1);
    expect((await today.get('/dashboard')).status).toBe(200);
  });

  it('--at reads an instant without an offset as Indian time', async () => {
    const text = toIstIso(cutoff).slice(0, 16);
    const spelt = await sweep('--at', text, '--dry-run', '--json');
    expect(JSON.parse(spelt.stdout).cutoff).toBe(toIstIso(cutoff));
  });

  it('--at refuses an instant to come', async () => {
    const { status, stdout, stderr } = await sweep('--at', new Date(Date.now() + DAY_MS).toISOString());
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^curfew: .* is still to come: .*\n$/);
    expect(await openTokens()).toBe(1);
  });

  it('has nothing to carry out where no cutoff is set, unless told an instant', async () => {
    const settings = { ...project.settings, SESSION_EXPIRY_TIME: 'off' };
    const refused = await project.curfew(['sweep'], { settings });
    expect({ status: refused.status, stdout: refused.stdout }).toEqual({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('SESSION_EXPIRY_TIME is off');
    const at = ['sweep', '--dry-run', '--json', '--at', new Date(cutoff).toISOString()];
    expect(JSON.parse((await project.curfew(at, { settings })).stdout)).toMatchObject({ sessions: 1 });
  });
});
