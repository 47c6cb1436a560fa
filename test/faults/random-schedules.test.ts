import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findViolations, type Violation } from './support/checker.ts';
import { eventually } from './support/eventually.ts';
import { createFaultInjector, type FaultInjector } from './support/fault-injector.ts';
import { createHistory, type History } from './support/history.ts';
import { type House, type HouseNode, startHouse } from './support/house.ts';
import { createHousehold, type Household } from './support/household.ts';
import { measured } from './support/measured.ts';
import { countOpenOrders } from './support/outbox.ts';
import { createSchedule, describeSchedule, type Schedule } from './support/schedule.ts';

/** FAULT_SEED repeats a run, FAULT_SCHEDULES makes it longer. */
const SEED = Number(process.env['FAULT_SEED'] ?? randomInt(1_000_000_000));
const SCHEDULES = Number(process.env['FAULT_SCHEDULES'] ?? 30);
const PEOPLE = 6;
const NODES = 2;
const MENDED_WITHIN_MS = 20_000;
/** An order whose node died waits for its lease of 30 s. */
const SETTLED_WITHIN_MS = 60_000;
const LOOK_FOR_EMPTY_OUTBOX_MS = 1500;

const seeds = Array.from({ length: SCHEDULES }, (_, index) => SEED + index);

describe(`random schedules of faults, FAULT_SEED=${SEED}`, () => {
  let house: House;
  let history: History;
  let household: Household;
  let injector: FaultInjector;
  const now = (): number => house.office.services.clock.now();
  const recoveries: number[] = [];

  beforeAll(async () => {
    process.stdout.write(`FAULT_SEED=${SEED}\n`);
    house = await startHouse({ nodes: NODES, people: PEOPLE });
    history = createHistory();
    household = createHousehold(house, history, now);
    injector = createFaultInjector(house, history, now);
  });
  afterAll(() => house.close());

  async function carryOut(schedule: Schedule): Promise<void> {
    const until = now() + schedule.lastsMs;
    const people = house.people.map(async (person, index) => {
      for (const step of schedule.steps[index] ?? []) {
        if (now() >= until) return;
        await household.act(person, step);
        await sleep(step.pauseMs);
      }
    });
    // Beside each person somebody tries their sessions at the other nodes, the ended ones first of all.
    const thieves = house.people.map(async (person) => {
      for (let turn = 0; now() < until; turn += 1) {
        const theirs = household.sessions.filter((held) => held.person === person).slice(-6);
        const held = theirs[turn % Math.max(1, theirs.length)];
        if (held !== undefined) await household.look(held, turn % NODES);
        await sleep(60);
      }
    });
    await Promise.all([injector.run(schedule.faults), ...people, ...thieves]);
    await injector.mendAll();
    for (const node of house.nodes) expectAlive(node);
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

  /** Writes down that all is settled, and tries every session once more on every node. */
  async function settle(): Promise<void> {
    history.add({ kind: 'settled', at: now() });
    for (const held of household.sessions)
      for (const node of house.nodes.keys()) await household.look(held, node);
    household.forget((held) => held.endAsked);
  }

  const outboxIsEmpty = async (): Promise<boolean> => (await countOpenOrders(house.office)) === 0;

  test.each(seeds)('with seed %i no revocation is lost, undone or untrue', async (seed) => {
    const schedule = createSchedule(seed, { people: PEOPLE, nodes: NODES });
    await carryOut(schedule);
    recoveries.push(
      await eventually('sign-in and pages work on every node', worksEverywhere, {
        withinMs: MENDED_WITHIN_MS,
      }),
    );
    const settledSoon = await eventually('the outbox is empty', outboxIsEmpty, {
      withinMs: LOOK_FOR_EMPTY_OUTBOX_MS,
    }).catch(() => undefined);
    if (settledSoon !== undefined) await settle();
    expect(explain(schedule, findViolations(history.events))).toBe('');
  });

  test('in the end nothing waits, nothing lives on and every node is ready', async () => {
    const ms = await eventually('the outbox is empty', outboxIsEmpty, { withinMs: SETTLED_WITHIN_MS });
    await settle();
    const last = createSchedule(SEED + SCHEDULES - 1, { people: PEOPLE, nodes: NODES });
    expect(explain(last, findViolations(history.events))).toBe('');
    for (const origin of house.origins)
      await eventually('ready', async () => (await fetch(`${origin}/readyz`)).status === 200, {
        withinMs: MENDED_WITHIN_MS,
      });

    const { rows } = await sql<{ id: string }>`
      select t.id from broker_tokens t join user_epochs e on e.user_id = t.user_id
      where t.is_revoked = 0 and t.epoch < e.epoch`.execute(house.office.ports.database.db);
    expect(rows).toEqual([]);

    measured('random schedules', `${SCHEDULES}, ${tally(history)}`);
    measured(
      'random schedules: sign-in and pages on every node after mending, slowest',
      `${Math.max(...recoveries)} ms`,
    );
    measured('random schedules: outbox empty at the end after', `${ms} ms`);
  });
});

function explain(schedule: Schedule, violations: readonly Violation[]): string {
  if (violations.length === 0) return '';
  const list = violations.map(
    ({ rule, sentence, evidence }) =>
      `${rule}: ${sentence}\n${evidence.map((event) => `    ${JSON.stringify(event)}`).join('\n')}`,
  );
  return `FAULT_SEED=${schedule.seed} FAULT_SCHEDULES=1\n${describeSchedule(schedule)}\n${list.join('\n')}`;
}

/** That a run did something: how many of which events. */
function tally({ events }: History): string {
  const counts = new Map<string, number>();
  for (const event of events) {
    const detail =
      event.kind === 'page' ? ` ${event.outcome}` : event.kind === 'revocation' ? ` ${event.report}` : '';
    counts.set(event.kind + detail, (counts.get(event.kind + detail) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ');
}
