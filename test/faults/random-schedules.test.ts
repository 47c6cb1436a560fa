import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { timeUntil } from '../support/eventually.ts';
import { createBrowser } from './support/browser.ts';
import { findViolations, type Violation } from './support/checker.ts';
import { signInDevice } from './support/device.ts';
import { createFaultInjector, type FaultInjector } from './support/fault-injector.ts';
import { createHistory, type History, type HistoryEvent } from './support/history.ts';
import {
  type House,
  type HouseNode,
  type Office,
  openOffice,
  startHouse,
  withPort,
} from './support/house.ts';
import { createHousehold, type Household } from './support/household.ts';
import { createMachineClock, type MachineClock } from './support/machine-clock.ts';
import { measured } from './support/measured.ts';
import { countOpenOrders } from './support/outbox.ts';
import { createSchedule, describeSchedule, type Schedule } from './support/schedule.ts';
import { areSocketsJudged, longestOutlived } from './support/socket-checker.ts';

/** FAULT_SEED repeats a run, FAULT_SCHEDULES makes it longer. */
const SEED = Number(process.env['FAULT_SEED'] ?? randomInt(1_000_000_000));
const SCHEDULES = Number(process.env['FAULT_SCHEDULES'] ?? 30);
const PEOPLE = 6;
const NODES = 2;
const MENDED_WITHIN_MS = 20_000;
/** An order whose node died waits for its lease of 30 s. */
const SETTLED_WITHIN_MS = 60_000;
const LOOK_FOR_EMPTY_OUTBOX_MS = 1500;
/** A timer looks at the clock every 20 s. */
const SWEPT_WITHIN_MS = 40_000;
const MOST_SHOWN = 5;
const SETTINGS = { SESSION_EXPIRY_TIME: '03:00', SANDBOX_MARKET: 'always' } as const;

const seeds = Array.from({ length: SCHEDULES }, (_, index) => SEED + index);

describe(`random schedules of faults, FAULT_SEED=${SEED}`, () => {
  let house: House;
  let history: History;
  let household: Household;
  let injector: FaultInjector;
  let clock: MachineClock;
  /** Programs that read broker tokens: one with a way to the servers that breaks as the nodes' do, one without. */
  let readers: Readonly<Record<string, Office>>;
  const now = (): number => clock.now();
  const recoveries: number[] = [];
  const known = new Set<string>();

  beforeAll(async () => {
    process.stdout.write(`FAULT_SEED=${SEED}\n`);
    clock = createMachineClock();
    house = await startHouse({ nodes: NODES, people: PEOPLE, clock, env: SETTINGS });
    const [node] = house.nodes;
    if (node === undefined) throw new Error('There is no node');
    const stores = {
      REDIS_URL: withPort(house.redis.url, node.toRedis.port),
      DATABASE_URL: withPort(house.postgres.url, node.toPostgres.port),
    };
    readers = {
      office: house.office,
      'a program beside A': await openOffice({ ...SETTINGS, ...stores }, clock),
    };
    history = createHistory();
    household = createHousehold(house, history, now);
    injector = createFaultInjector(house, history, now);
  });
  afterAll(async () => {
    await readers['a program beside A']?.close();
    await house.close();
    clock.remove();
  });

  async function carryOut(schedule: Schedule): Promise<void> {
    const startedAt = performance.now();
    const goesOn = (): boolean => performance.now() - startedAt < schedule.lastsMs;
    const people = house.people.map(async (person, index) => {
      for (const step of schedule.steps[index] ?? []) {
        if (!goesOn()) return;
        await household.act(person, step);
        await sleep(step.pauseMs);
      }
    });
    // Beside each person somebody tries the latest of their sessions, ended or not, at every node.
    const thieves = house.people.map(async (person) => {
      for (let turn = 0; goesOn(); turn += 1) {
        const theirs = household.sessions.filter((held) => held.person === person).slice(-6);
        const held = theirs[turn % Math.max(1, theirs.length)];
        if (held !== undefined) await household.look(held, turn % NODES);
        await sleep(60);
      }
    });
    const programs = Object.entries(readers).map(async ([name, reader]) => {
      while (goesOn()) {
        for (const person of house.people) await household.readToken(person, reader, name);
        await sleep(30);
      }
    });
    await Promise.all([
      injector.run(schedule.faults),
      passCutoff(schedule),
      ...people,
      ...thieves,
      ...programs,
    ]);
    await injector.mendAll();
    for (const node of house.nodes) expectAlive(node);
  }

  async function passCutoff({ cutoffAtMs }: Schedule): Promise<void> {
    if (cutoffAtMs === undefined) return;
    await sleep(cutoffAtMs);
    await household.passCutoff(clock);
  }

  /** A fault may make a node answer 503, and must not end it. */
  function expectAlive({ name, process: { hasEnded, logTail } }: HouseNode): void {
    if (hasEnded()) throw new Error(`Node ${name} has ended by itself:\n${logTail().slice(-4000)}`);
  }

  async function worksEverywhere(): Promise<boolean> {
    const [person] = house.people;
    if (person === undefined) return false;
    for (const node of house.nodes.keys()) {
      const held = await household.signIn(person, node);
      if (held === undefined || (await household.look(held, (node + 1) % NODES)) !== 'in') return false;
    }
    return true;
  }

  /** For a failed run: what each node answers, and its last words. */
  async function describeNodes(): Promise<string> {
    const [person = { username: '', password: '' }] = house.people;
    const lines: string[] = [];
    for (const { name, process: node } of house.nodes) {
      const ready = await createBrowser(house.browser).request(node.origin, '/readyz');
      const { reply, device } = await signInDevice(house.browser, node.origin, person);
      const pages = await Promise.all(
        house.origins.map(async (origin) => (await device?.page(origin))?.status),
      );
      lines.push(
        `Node ${name}: readyz ${ready.status} ${ready.text}, sign-in ${reply.status} ${reply.location}, pages ${pages.join(' ')}`,
        node.logTail().slice(-3000),
      );
    }
    return lines.join('\n');
  }

  /** Writes down that all is settled, and tries every session once more on every node. */
  async function settle(): Promise<void> {
    history.add({ kind: 'settled', at: now() });
    for (const held of household.sessions)
      for (const node of house.nodes.keys()) await household.look(held, node);
    for (const [name, reader] of Object.entries(readers))
      for (const person of house.people) await household.readToken(person, reader, name);
    await Promise.all(
      household.sessions
        .filter((held) => held.endAsked)
        .map((held, index) => household.openSocket(held, index % NODES)),
    );
    household.forget((held) => held.endAsked);
  }

  /** The history goes on through all schedules; each violation is the fault of the one that showed it. */
  function findNewViolations(): readonly Violation[] {
    const fresh = findViolations(history.events).filter((violation) => !known.has(JSON.stringify(violation)));
    for (const violation of fresh) known.add(JSON.stringify(violation));
    return fresh;
  }

  const countBefore = (cutoff: number): Promise<number> => house.office.services.registry.countBefore(cutoff);

  const outboxIsEmpty = async (): Promise<boolean> => (await countOpenOrders(house.office)) === 0;

  test.each(seeds)('with seed %i no revocation is lost, undone or untrue', async (seed) => {
    const schedule = createSchedule(seed, { people: PEOPLE, nodes: NODES });
    await carryOut(schedule);
    recoveries.push(
      await timeUntil('sign-in and pages work on every node', worksEverywhere, {
        withinMs: MENDED_WITHIN_MS,
      }).catch(async (error: unknown) => {
        throw new Error(`${describeSchedule(schedule)}\n${await describeNodes()}`, { cause: error });
      }),
    );
    const settledSoon = await timeUntil('the outbox is empty', outboxIsEmpty, {
      withinMs: LOOK_FOR_EMPTY_OUTBOX_MS,
    }).catch(() => undefined);
    if (settledSoon !== undefined) await settle();
    expect(explain(schedule, findNewViolations())).toBe('');
  });

  test('in the end nothing waits, nothing lives on and every node is ready', async () => {
    const ms = await timeUntil('the outbox is empty', outboxIsEmpty, { withinMs: SETTLED_WITHIN_MS });
    await settle();
    await timeUntil('sockets are closed or late', () => areSocketsJudged(history.events, now()), {
      withinMs: MENDED_WITHIN_MS,
    });
    history.add({ kind: 'settled', at: now() });
    const last = createSchedule(SEED + SCHEDULES - 1, { people: PEOPLE, nodes: NODES });
    expect(explain(last, findNewViolations())).toBe('');
    for (const origin of house.origins)
      await timeUntil('ready', () => isReadyButForItsClock(origin), { withinMs: MENDED_WITHIN_MS });

    const cutoff = house.office.services.calendar.last();
    await timeUntil('the last cutoff is swept', async () => (await countBefore(cutoff)) === 0, {
      withinMs: SWEPT_WITHIN_MS,
    });

    const { rows } = await sql<{ id: string }>`
      select t.id from broker_tokens t join user_epochs e on e.user_id = t.user_id
      where t.is_revoked = 0 and (t.epoch < e.epoch or t.issued_at < ${cutoff})`.execute(
      house.office.infrastructure.database.db,
    );
    expect(rows).toEqual([]);

    measured('random schedules', `${SCHEDULES}, ${tally(history)}`);
    measured(
      'random schedules: longest that a socket outlived its session, faults included',
      `${Math.round(longestOutlived(history.events))} ms`,
    );
    measured(
      'random schedules: sign-in and pages on every node after mending, slowest',
      `${Math.max(...recoveries)} ms`,
    );
    measured('random schedules: outbox empty at the end after', `${ms} ms`);
  });
});

/** The clock was set to one cutoff after the other, and Redis's own was not. */
async function isReadyButForItsClock(origin: string): Promise<boolean> {
  const { checks } = (await (await fetch(`${origin}/readyz`)).json()) as { checks: Record<string, string> };
  return Object.entries(checks).every(([name, outcome]) => outcome === 'ok' || name === 'clock');
}

function explain(schedule: Schedule, violations: readonly Violation[]): string {
  if (violations.length === 0) return '';
  const list = violations
    .slice(0, MOST_SHOWN)
    .map(
      ({ rule, sentence, evidence }) =>
        `${rule}: ${sentence}\n${evidence.map((event) => `    ${JSON.stringify(event)}`).join('\n')}`,
    );
  return `${violations.length} violations. FAULT_SEED=${schedule.seed} FAULT_SCHEDULES=1\n${describeSchedule(schedule)}\n${list.join('\n')}`;
}

/** That a run did something: how many of which events. */
function tally({ events }: History): string {
  const counts = new Map<string, number>();
  for (const event of events) {
    const name = nameOf(event);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ');
}

function nameOf(event: HistoryEvent): string {
  switch (event.kind) {
    case 'page':
      return `${event.as ?? 'page'} ${event.outcome}`;
    case 'revocation':
      return `revocation ${event.report}`;
    case 'socket_closed':
      return `socket closed with ${event.code} ${event.reason}`;
    case 'socket_message':
      return `socket got ${event.type}`;
    default:
      return event.kind;
  }
}
