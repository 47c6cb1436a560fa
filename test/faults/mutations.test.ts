import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleServer } from '../support/bundled-server.ts';
import { timeUntil } from '../support/eventually.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { findViolations, type Violation } from './support/checker.ts';
import { createHistory } from './support/history.ts';
import { type House, type Inhabitant, startHouse } from './support/house.ts';
import { createHousehold, type HeldSession, type Household } from './support/household.ts';
import { createMachineClock, type MachineClock } from './support/machine-clock.ts';
import { createMutant, type Patch } from './support/mutant.ts';
import { countOpenOrders } from './support/outbox.ts';
import { takeRedisSnapshot } from './support/redis-snapshot.ts';
import type { Action } from './support/schedule.ts';
import { areSocketsJudged } from './support/socket-checker.ts';

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
  from: `await revokeOrExplain(ASKED, () => storeRevocation(req, res, facts.userId));`,
  to: `void storeRevocation; void revokeOrExplain;`,
};

const NO_GATE: Patch = {
  file: 'sessions/redis/session-gate.ts',
  from: `if (!open) throw unavailable('The session store', undefined, 2);`,
  to: ``,
};

const NO_REPLAY: Patch = {
  file: 'revocation/replay.ts',
  from: `await Promise.all(batch.filter(isOfThePast).map((revocation) => sessionTarget.revoke(revocation)));`,
  to: `void sessionTarget; void isOfThePast;`,
};

const SESSIONS_LEFT_OUT: Patch = {
  file: 'revocation/revocation-feature.ts',
  from: `[targets.tokens, targets.sessions, `,
  to: `[targets.tokens, { ...targets.sessions, revoke: () => Promise.resolve({ count: 0 }) }, `,
};

const NEVER_JUDGED_AGAIN: readonly Patch[] = [
  {
    file: 'sessions/session-expiry.ts',
    from: `!(await stillCounts(session))`,
    to: `(await stillCounts(session), false)`,
  },
  {
    file: 'sessions/session-expiry.ts',
    from: `acting.run(actors.of(session), next);`,
    to: `void acting; void actors; next();`,
  },
];

const NEVER_TRIED_AGAIN: Patch = {
  file: 'revocation/revoker.ts',
  from: `revocations.claimDue(limit)`,
  to: `revocations.claimDue(0)`,
};

const EPOCH_IGNORED: Patch = {
  file: 'sessions/redis/redis-session-endings.ts',
  from: `redis.zrangebyscore(userKey(userId), '-inf', epoch)`,
  to: `redis.zrangebyscore(userKey(userId), '-inf', epoch + 1000)`,
};

const CUTOFF_IGNORED: Patch = {
  file: 'sessions/session-expiry.ts',
  from: `const isOver = (session: CurrentSession): boolean => calendar.isPast(session.loginTime);`,
  to: `const isOver = (_session: CurrentSession): boolean => false;`,
};

const MESSAGE_IGNORED: Patch = {
  file: 'feed/socket-target.ts',
  from: `if (message.kind !== 'sockets.end') return;`,
  to: `if (Math.PI > 3) return;`,
};

const SOCKETS_NEVER_COMPARED: readonly Patch[] = [
  { file: 'feed/socket-monitor.ts', from: `if (sockets.size === 0) return;`, to: `if (Math.PI > 3) return;` },
  { file: 'feed/socket-monitor.ts', from: `if (end !== undefined) socket.end(end);`, to: `void end;` },
];

const SUBSCRIBED_UNJUDGED: Patch = {
  file: 'feed/conversation.ts',
  from: `if (end !== undefined) socket.end(end);`,
  to: `void end;`,
};

const LET_IN_UNJUDGED: Patch = {
  file: 'feed/handshake.ts',
  from: `const end = await standing.judge(candidate.owner);`,
  to: `void standing; const end = await Promise.resolve(undefined);`,
};

interface Scene {
  readonly house: House;
  readonly household: Household;
  readonly held: HeldSession;
  readonly clock: MachineClock;
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

/** A logout while the body of a form of the same session is on its way. */
async function logOutUnderAForm({ household, held, act }: Scene): Promise<void> {
  const finish = await household.hold(held, 0);
  await sleep(50);
  await act('log_out');
  await sleep(5);
  await finish?.();
}

/** A logout while Redis is away, and what it comes to when Redis is back. */
async function logOutInAnOutage({ house, household, held, act }: Scene): Promise<void> {
  house.nodes[0]?.toRedis.cut();
  await timeUntil('503', async () => (await household.look(held, 0)) === 'unavailable', { withinMs: 5000 });
  await act('log_out');
  await house.healNetwork();
  await timeUntil('served', async () => (await household.look(held, 0)) !== 'unavailable', {
    withinMs: 10_000,
  });
}

/** A logout, and then a Redis that comes back with the data of before. */
async function logOutBeforeARestore({ house, household, held, act }: Scene): Promise<void> {
  const snapshot = takeRedisSnapshot(house.redis);
  await act('log_out');
  await snapshot.restore();
  snapshot.remove();
  await timeUntil('served', async () => !['unavailable', 'none'].includes(await household.look(held, 0)), {
    withinMs: 10_000,
  });
}

/** Somebody's whole account is ended while Redis refuses to forget anything; then they sign in again. */
async function endAnAccountLate({ house, household, held, act }: Scene): Promise<void> {
  const redis = new Redis(house.redis.url);
  await redis.call('ACL', 'SETUSER', 'default', '-unlink');
  await act('admin_ends_account');
  await sleep(5);
  const fresh = await household.signIn(held.person, 0);
  await redis.call('ACL', 'SETUSER', 'default', '+@all');
  redis.disconnect();
  const isDone = async (): Promise<boolean> => (await countOpenOrders(house.office)) === 0;
  await timeUntil('it is done', isDone, { withinMs: 7000 }).catch(() => undefined);
  await household.look(held, 0);
  if (fresh !== undefined) await household.look(fresh, 0);
}

/** The next cutoff, and a page before any timer has looked at the clock. */
async function passACutoff({ household, held, clock }: Scene): Promise<void> {
  await household.passCutoff(clock);
  await sleep(5);
  await household.look(held, 0);
}

/** The same, and a new socket instead of a page. */
async function openASocketAfterACutoff({ household, held, clock }: Scene): Promise<void> {
  await household.passCutoff(clock);
  await sleep(5);
  await household.openSocket(held, 0);
}

/** An account is ended elsewhere under an open socket, which then asks for prices. */
async function endAnAccountUnderASocket({ household, held, act }: Scene): Promise<void> {
  await household.openSocket(held, 0);
  await act('admin_ends_account');
  await sleep(5);
  await household.subscribe(held);
}

async function plainLogOut({ household, held, act }: Scene): Promise<void> {
  await act('log_out');
  await household.look(held, 0);
}

type Play = (scene: Scene) => Promise<void>;

/** One node, with faults built in, and one person on it. */
interface Stage {
  /** Plays a scene and returns what the checker saw broken. */
  perform(play: Play): Promise<readonly Violation[]>;
  close(): Promise<void>;
}

async function openStage(patches: readonly Patch[]): Promise<Stage> {
  const mutant = createMutant(patches);
  const bundle = createScratchDirectory('mutant-bundle');
  const { main } = await bundleServer(bundle.path, mutant.folder);
  const clock = createMachineClock();
  const env = { SESSION_EXPIRY_TIME: '03:00' };
  const house = await startHouse({ nodes: 1, people: 1, main, clock, env });
  const now = (): number => clock.now();

  return {
    async perform(play) {
      const history = createHistory();
      const household = createHousehold(house, history, now);
      const [person = { username: '', password: '', userId: '' }] = house.people;
      const held = await mustSignIn(household, person);
      await held.device.openForm(house.origins[0] ?? '');
      const act = (action: Action): Promise<void> =>
        household.act(person, { action, node: 0, pauseMs: 0, choice: 0 });
      await play({ house, household, held, clock, act });
      await timeUntil('sockets are closed or late', () => areSocketsJudged(history.events, now()), {
        withinMs: 10_000,
      });
      history.add({ kind: 'settled', at: now() });
      await sleep(5);
      await household.look(held, 0);
      return findViolations(history.events);
    },
    async close() {
      await house.close();
      clock.remove();
      mutant.remove();
      bundle.remove();
    },
  };
}

/** A node that has just swept a cutoff may answer 503 for a moment. */
async function mustSignIn(household: Household, person: Inhabitant): Promise<HeldSession> {
  let held: HeldSession | undefined;
  const isIn = async (): Promise<boolean> => {
    held = await household.signIn(person, 0);
    return held !== undefined;
  };
  await timeUntil('somebody is signed in', isIn, { withinMs: 10_000 });
  if (held === undefined) throw new Error('Nobody could sign in');
  return held;
}

async function violationsOf(
  patches: readonly Patch[],
  plays: readonly Play[],
): Promise<readonly Violation[]> {
  const stage = await openStage(patches);
  const violations: Violation[] = [];
  try {
    for (const play of plays) violations.push(...(await stage.perform(play)));
  } finally {
    await stage.close();
  }
  return violations;
}

async function rulesBrokenBy(
  patches: readonly Patch[],
  ...plays: readonly Play[]
): Promise<readonly string[]> {
  return (await violationsOf(patches, plays)).map(({ rule }) => rule);
}

describe('the checker sees through a server', () => {
  test('whose page in flight writes an ended session back: the SET is unconditional', async () => {
    expect(await rulesBrokenBy([SLOW_PAGE_THAT_WRITES, UNCONDITIONAL_SET], logOutUnderAPage)).toContain(
      'reported_done',
    );
  });

  test('that carries out a form whose session ended under it: nothing is judged again', async () => {
    expect(await rulesBrokenBy(NEVER_JUDGED_AGAIN, logOutUnderAForm)).toContain('reported_done');
  });

  test('that says a logout is stored and drops it, and closes sockets by nothing: no message, no comparison', async () => {
    const patches = [DROPPED_ORDER, MESSAGE_IGNORED, ...SOCKETS_NEVER_COMPARED, SUBSCRIBED_UNJUDGED];
    const rules = await rulesBrokenBy(patches, logOutInAnOutage, endAnAccountUnderASocket);
    expect(rules).toEqual(['stored_happens', 'reported_done', 'socket_outlives']);
  });

  test('that never tries again what it stored: the outbox is a drawer', async () => {
    expect(await rulesBrokenBy([NEVER_TRIED_AGAIN], endAnAccountLate)).toContain('stored_happens');
  });

  test('that ends late what began later: the epoch is ignored', async () => {
    expect(await rulesBrokenBy([EPOCH_IGNORED], endAnAccountLate)).toEqual(['nothing_else_ends']);
  });

  test('that leaves the cutoff to its timers, and judges no socket at its handshake', async () => {
    const plays = [passACutoff, openASocketAfterACutoff];
    const violations = await violationsOf([CUTOFF_IGNORED, LET_IN_UNJUDGED], plays);
    expect(violations.map(({ sentence }) => sentence)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^node A let a session in \d+ ms after "the cutoff" was reported done$/),
        expect.stringMatching(
          /^node A opened a socket with a session \d+ ms after "the cutoff" was reported done$/,
        ),
      ]),
    );
  });

  test('that reads sessions of a restored Redis as they are: there is no gate', async () => {
    expect(await rulesBrokenBy([NO_GATE, NO_REPLAY], logOutBeforeARestore)).toContain('reported_done');
  });

  test('that leaves the sessions out of what a revocation ends', async () => {
    expect(await rulesBrokenBy([SESSIONS_LEFT_OUT], plainLogOut)).toContain('reported_done');
  });
});

describe('the checker has nothing to say of the server as it is', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage([SLOW_PAGE_THAT_WRITES]);
  });
  afterAll(() => stage.close());

  test.each([
    ['a logout and a page in flight', logOutUnderAPage],
    ['a logout and a form in flight', logOutUnderAForm],
    ['a logout and an outage', logOutInAnOutage],
    ['a logout and a restored Redis', logOutBeforeARestore],
    ['an account that is ended late', endAnAccountLate],
    ['a cutoff', passACutoff],
    ['a cutoff and a new socket', openASocketAfterACutoff],
    ['an account that is ended under a socket', endAnAccountUnderASocket],
  ] as const)('in the same scene of %s', async (_name, play) => {
    expect(await stage.perform(play)).toEqual([]);
  });
});
