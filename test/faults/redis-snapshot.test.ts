import { afterAll, beforeAll, expect, test } from 'vitest';
import { timeUntil } from '../support/eventually.ts';
import { type Device, letsIn, mustSignIn } from './support/device.ts';
import { type House, startHouse } from './support/house.ts';
import { measured } from './support/measured.ts';
import { takeRedisSnapshot } from './support/redis-snapshot.ts';

let house: House;
let origins: readonly string[];
beforeAll(async () => {
  house = await startHouse({ nodes: 2, people: 4 });
  origins = house.origins;
});
afterAll(() => house.close());

const ENDINGS = {
  'logged out': (device) => device.logOut(origins[0] ?? ''),
  'logged out everywhere': (device) => device.logOut(origins[0] ?? '', { everywhere: true }),
  'ended by an administrator': (_device, userId) =>
    house.office.services.sessions.lifecycle.endAccount(userId, 'ended_by_admin', { actor: 'test' }),
  'ended by an operator’s sweep': () =>
    house.office.services.revocation.sweep.run(house.office.services.clock.now(), { actor: 'test' }),
} as const satisfies Record<string, (device: Device, userId: string) => Promise<unknown>>;

test.each(Object.entries(ENDINGS))(
  'a Redis restored from an older snapshot does not bring back a session that was %s',
  async (name, end) => {
    const [person = { username: '', password: '' }, neighbour = person] = house.people;
    const userId = (await house.office.services.accounts.userAdmin.list()).find(
      (user) => user.username === person.username,
    )?.id;
    const device = await mustSignIn(house.browser, origins[0] ?? '', person);
    expect(letsIn(await device.page(origins[1] ?? ''))).toBe(true);
    const snapshot = takeRedisSnapshot(house.redis);

    await end(device, userId ?? '');
    for (const origin of origins) expect((await device.page(origin)).status).toBe(303);
    const late = await mustSignIn(house.browser, origins[1] ?? '', neighbour);

    const startedAt = performance.now();
    await snapshot.restore();
    snapshot.remove();
    await timeUntil(
      'a sign-in works on both nodes',
      async () => {
        // Asked all the time while Redis comes back: there is no moment at which the old session counts.
        const answers = await Promise.all(origins.map((origin) => device.page(origin)));
        expect(answers.some(letsIn)).toBe(false);
        return answers.every((answer) => answer.status === 303);
      },
      { withinMs: 20_000 },
    );
    measured(
      `older snapshot restored, session ${name}: sessions read again after`,
      `${Math.round(performance.now() - startedAt)} ms`,
    );
    const fresh = await mustSignIn(house.browser, origins[0] ?? '', person);
    expect(letsIn(await fresh.page(origins[1] ?? ''))).toBe(true);
    // What the snapshot does not hold is gone, and says so: that person signs in again.
    expect((await late.page(origins[0] ?? '')).status).toBe(303);
  },
);
