import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { timeUntil } from '../support/eventually.ts';
import { TEST_SECRETS } from '../support/test-server.ts';
import { type Device, letsIn, mustSignIn } from './support/device.ts';
import { type House, startHouse } from './support/house.ts';
import { measured } from './support/measured.ts';
import { countOpenOrders } from './support/outbox.ts';

const DONE_WITHIN_MS = 30_000;
const run = promisify(execFile);

/** A Redis that answers, and refuses the one command by which sessions end. Everything else works, pages included. */
describe('a revocation of which one step fails', () => {
  let house: House;
  let origin: string;
  let admin: Device;
  let owner: Device;
  let redis: Redis;

  beforeAll(async () => {
    house = await startHouse({ nodes: 1, people: 2 });
    [origin = ''] = house.origins;
    redis = new Redis(house.redis.url);
    const [first, second] = house.people;
    if (first === undefined || second === undefined) throw new Error('Nobody lives here');
    admin = await mustSignIn(house.browser, origin, first);
    owner = await mustSignIn(house.browser, origin, second);
    await owner.openForm(origin);
    await redis.call('ACL', 'SETUSER', 'default', '-unlink', '-del');
  });
  afterAll(async () => {
    redis.disconnect();
    await house.close();
  });

  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`${origin}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
  };

  const adminReads = async (path: string): Promise<string> =>
    (await admin.browser.request(origin, path)).text;

  async function doctorOnRevocations(): Promise<{ status: string; message: string }> {
    const { stdout } = await run(process.execPath, [inject('bundledServer').cli, 'doctor', '--json'], {
      env: {
        ...process.env,
        ...TEST_SECRETS,
        REDIS_URL: house.redis.url,
        DATABASE_URL: house.postgres.url,
        BASE_URL: origin,
        NODE_ENV: 'production',
      },
    });
    const { checks } = JSON.parse(stdout) as { checks: { name: string; status: string; message: string }[] };
    return checks.find(({ name }) => name === 'revocations') ?? { status: '', message: '' };
  }

  test('is not reported done: the answer says that it is stored and has not happened yet', async () => {
    const reply = await owner.logOut(origin, { everywhere: true });
    expect(reply.status).toBe(503);
    expect(reply.text).toContain('You are not signed out yet');
    expect(reply.text).toContain('The revocation is stored');
    expect(reply.headers['set-cookie']).toBeUndefined();
    expect(letsIn(await owner.page(origin))).toBe(true);
  });

  test('is seen waiting: on the pages of its owner and of administrators, in the metrics, by the doctor; and the node stays ready', async () => {
    const own = (await owner.page(origin)).text;
    expect(own).toContain('You signed out everywhere');
    expect(own).toMatch(/Sessions ended in the store.*?Pending/s);

    expect(await adminReads('/dashboard')).toContain('One revocation is pending');
    const list = await adminReads('/security/revocations');
    expect(list).toMatch(/person-2.*Signed out everywhere.*Sessions.*(Once|times)/s);
    expect((await owner.browser.request(origin, '/security/revocations')).status).toBe(403);

    expect(await metric('curfew_revocations_waiting')).toBe(1);
    expect(await doctorOnRevocations()).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('One revocation'),
    });
    // Or one revocation that is stuck would take every node out of the load balancer.
    const readiness = await fetch(`${origin}/readyz`);
    expect(readiness.status).toBe(200);
    expect(await readiness.json()).toMatchObject({ status: 'ready', checks: { redis: 'ok' } });
  });

  test('is done as soon as it can be, and everything that showed it waiting says so', async () => {
    await redis.call('ACL', 'SETUSER', 'default', '+@all');
    const ms = await timeUntil('it is carried out', async () => (await countOpenOrders(house.office)) === 0, {
      withinMs: DONE_WITHIN_MS,
    });
    measured('a step that failed is done, after what it needs is back, within', `${ms} ms`);
    expect((await owner.page(origin)).status).toBe(303);
    expect(await adminReads('/dashboard')).not.toContain('that was asked for');
    expect(await adminReads('/security/revocations')).toContain('No revocation is pending');
    expect(await metric('curfew_revocations_waiting')).toBe(0);
    expect(await metric('curfew_revocations_oldest_waiting_seconds')).toBe(0);
    expect((await doctorOnRevocations()).status).toBe('ok');
    expect((await fetch(`${origin}/readyz`)).status).toBe(200);

    const receipts = await house.office.infrastructure.database.db
      .selectFrom('audit_log')
      .select('detail')
      .where('type', '=', 'revocation.carried_out')
      .orderBy('id')
      .execute();
    const told = receipts.map(({ detail }) => JSON.parse(detail) as { receipt: { status: string } });
    expect(told.map(({ receipt }) => receipt.status)).toEqual(['queued', 'done']);
  });
});
