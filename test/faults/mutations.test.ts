import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { findViolations } from './support/checker.ts';
import { eventually } from './support/eventually.ts';
import { createHistory, type HistoryEvent } from './support/history.ts';
import { type House, startHouse } from './support/house.ts';
import { createHousehold, type HeldSession, type Household } from './support/household.ts';
import { createMutant, type Patch } from './support/mutant.ts';
import { takeRedisSnapshot } from './support/redis-snapshot.ts';
import type { Action } from './support/schedule.ts';

/** Not a fault: a page that writes to its session and takes its time, so that a logout can overtake it. */
const SLOW_PAGE_THAT_WRITES: Patch = {
  file: 'dashboard/routes.ts',
  from: '    const session = currentSession(req);\n',
  to: `    const session = currentSession(req);
    Object.assign(req.session, { visits: clock.now() });
    await new Promise((resolve) => setTimeout(resolve, 400));
`,
};

const UNCONDITIONAL_SET: Patch = {
  file: 'sessions/redis/redis-session-store.ts',
  from: `await redis.set(key, body, 'PX', lifetimeMs, 'XX')`,
  to: `await redis.set(key, body, 'PX', lifetimeMs)`,
};

const DROPPED_ORDER: Patch = {
  file: 'sessions/outage-logout.ts',
  from: `await orderOrExplain(ASKED, () => storeOrder(req, res, facts.userId));`,
  to: `void storeOrder; void orderOrExplain;`,
};

const NO_GATE: Patch = {
  file: 'sessions/redis/session-gate.ts',
  from: `if (!open) throw unavailable('The session store', undefined, 2);`,
  to: ``,
};

const NO_REPLAY: Patch = {
  file: 'sessions/replay.ts',
  from: `await Promise.all(portion.filter(isOfThePast).map((order) => sessionTarget.revoke(order)));`,
  to: `void sessionTarget; void isOfThePast;`,
};

const SESSIONS_LEFT_OUT: Patch = {
  file: 'services.ts',
  from: `targets: [brokers.tokenTarget, sessionTarget, `,
  to: `targets: [brokers.tokenTarget, { ...sessionTarget, revoke: () => Promise.resolve({ count: 0 }) }, `,
};

interface Scene {
  readonly house: House;
  readonly household: Household;
  readonly held: HeldSession;
  readonly act: (action: Action) => Promise<void>;
}

/** A logout while a page of the same session is on its way. */
async function logOutUnderAPage({ household, held, act }: Scene): Promise<void> {
  const page = household.look(held, 0);
  await sleep(150);
  await act('log_out');
  await page;
  await household.look(held, 0);
}

/** A logout while Redis is away, and what it comes to when Redis is back. */
async function logOutInAnOutage({ house, household, held, act }: Scene): Promise<void> {
  house.nodes[0]?.toRedis.cut();
  await eventually('503', async () => (await household.look(held, 0)) === 'unavailable', { withinMs: 5000 });
  await act('log_out');
  await house.healNetwork();
  await eventually('served', async () => (await household.look(held, 0)) !== 'unavailable', {
    withinMs: 10_000,
  });
}

/** A logout, and then a Redis that comes back with the data of before. */
async function logOutBeforeARestore({ house, household, held, act }: Scene): Promise<void> {
  const snapshot = takeRedisSnapshot(house.redis);
  await act('log_out');
  await snapshot.restore();
  snapshot.remove();
  await eventually('served', async () => !['unavailable', 'none'].includes(await household.look(held, 0)), {
    withinMs: 10_000,
  });
}

async function plainLogOut({ household, held, act }: Scene): Promise<void> {
  await act('log_out');
  await household.look(held, 0);
}

/** Plays a scene on one node and returns the rules that the checker saw broken. */
async function rulesBrokenBy(
  patches: readonly Patch[],
  play: (scene: Scene) => Promise<void>,
): Promise<readonly string[]> {
  const mutant = createMutant(patches);
  const house = await startHouse({ nodes: 1, people: 1, main: mutant.main });
  try {
    const now = (): number => house.office.services.clock.now();
    const history = createHistory();
    const household = createHousehold(house, history, now);
    const [person = { username: '', password: '' }] = house.people;
    const held = await household.signIn(person, 0);
    if (held === undefined) throw new Error('Nobody could sign in');
    // The token of the session's forms, for a time when it cannot be fetched.
    await held.device.submit(house.origins[0] ?? '', '/sessions/revocation');
    const act = (action: Action): Promise<void> =>
      household.act(person, { action, node: 0, pauseMs: 0, choice: 0 });
    await play({ house, household, held, act });
    const settled: HistoryEvent = { kind: 'settled', at: now() };
    history.add(settled);
    await sleep(5);
    await household.look(held, 0);
    return findViolations(history.events).map((violation) => violation.rule);
  } finally {
    await house.close();
    mutant.remove();
  }
}

describe('the checker sees through a server', () => {
  test('whose page in flight writes an ended session back: the SET is unconditional', async () => {
    expect(await rulesBrokenBy([SLOW_PAGE_THAT_WRITES, UNCONDITIONAL_SET], logOutUnderAPage)).toContain(
      'reported_done',
    );
  });

  test('that says a logout is stored and drops it: there is no outbox', async () => {
    expect(await rulesBrokenBy([DROPPED_ORDER], logOutInAnOutage)).toEqual(['stored_happens']);
  });

  test('that reads sessions of a restored Redis as they are: there is no gate', async () => {
    expect(await rulesBrokenBy([NO_GATE, NO_REPLAY], logOutBeforeARestore)).toContain('reported_done');
  });

  test('that leaves the sessions out of what a revocation ends', async () => {
    expect(await rulesBrokenBy([SESSIONS_LEFT_OUT], plainLogOut)).toContain('reported_done');
  });
});

describe('the checker has nothing to say of the server as it is', () => {
  test.each([
    ['a page in flight', [SLOW_PAGE_THAT_WRITES], logOutUnderAPage],
    ['an outage', [], logOutInAnOutage],
    ['a restored Redis', [], logOutBeforeARestore],
  ] as const)('in the same scene of a logout and %s', async (_name, patches, play) => {
    expect(await rulesBrokenBy(patches, play)).toEqual([]);
  });
});
