import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { findViolations } from './checker.ts';
import { createHistory, type Subject } from './history.ts';
import { ADMIN, createHouse, type Doubles, type House, type Stores, TRADER } from './house.ts';
import type { Parts } from './parts.ts';
import { createVisits, type Visits } from './visits.ts';

/** Who is signed in before anything is done at once: two devices of one person, and an administrator. */
const NAMES = ['laptop', 'phone', 'desk'] as const;
type Name = (typeof NAMES)[number];

interface Scene {
  readonly house: House;
  readonly visits: Visits;
  readonly by: Readonly<Record<Name, Subject>>;
  readonly signIn: () => Promise<unknown>;
}

/** What begins under a session, or for an account. */
const ACTS = {
  'a form of the laptop': ({ visits, by }) => visits.form(by.laptop),
  'a form of the phone': ({ visits, by }) => visits.form(by.phone),
  'an import of the laptop': ({ visits, by }) => visits.importSymbols(by.laptop),
  'a page of the laptop that writes to its session': ({ visits, by }) => visits.pageThatWrites(by.laptop),
  'a broker exchange of the laptop': ({ visits, by }) => visits.exchange(by.laptop),
  'a broker exchange of the phone': ({ visits, by }) => visits.exchange(by.phone),
  'a webhook': ({ visits }) => visits.webhook(),
  'a sign-in': ({ signIn }) => signIn(),
  "an administrator's form": ({ visits, by }) => visits.form(by.desk, 'admin'),
} as const satisfies Readonly<Record<string, (scene: Scene) => Promise<unknown>>>;

/** What ends something, or puts something old in the place of something new. */
const ENDS = {
  'logout of the laptop': ({ visits, by }) => visits.logOut(by.laptop),
  'logout of the phone': ({ visits, by }) => visits.logOut(by.phone),
  'logout everywhere from the phone': ({ visits, by }) => visits.logOutEverywhere(by.phone),
  "an administrator's order": ({ visits, by }) => visits.orderAbout(by.desk),
  "the administrator's logout": ({ visits, by }) => visits.logOut(by.desk),
  'the administrator becomes a user': ({ house }) => house.takeRoleFrom(ADMIN),
  'end of the account': ({ house }) => house.endAccount(TRADER),
  'the account is disabled': ({ house }) => house.disable(TRADER),
  'idle limit': ({ house }) => house.passIdleLimit(),
  cutoff: ({ house }) => house.passCutoff(),
  'outage of the session store, and replay': ({ house }) => house.loseSessions(),
  'end of everything, as after a restore': ({ house }) => house.endEverything(),
  'key rotation': ({ house }) => house.rotateKeys(),
} as const satisfies Readonly<Record<string, (scene: Scene) => Promise<unknown>>>;

const PLAN = { ...ACTS, ...ENDS };
type Act = keyof typeof ACTS;
type End = keyof typeof ENDS;
type Step = Act | End;

const keysOf = <T extends object>(table: T) => Object.keys(table) as (keyof T)[];
const ALL_ACTS = keysOf(ACTS);
const ALL_ENDS = keysOf(ENDS);

/** What is done at once, over which stores. */
export interface Plan {
  readonly stores: Stores;
  readonly acts: readonly Act[];
  readonly ends: readonly End[];
}

/** The steps to choose from; all where none are named. */
export interface Steps {
  readonly acts?: readonly Act[] | undefined;
  readonly ends?: readonly End[] | undefined;
}

export const plansOf = ({ acts = ALL_ACTS, ends = ALL_ENDS }: Steps): fc.Arbitrary<Plan> =>
  fc.record(
    {
      stores: fc.record(
        {
          database: fc.constantFrom('sqlite', 'postgres'),
          sessions: fc.constantFrom('database', 'redis'),
        },
        { noNullPrototype: true },
      ),
      acts: fc.array(fc.constantFrom(...acts), { minLength: 1, maxLength: 2 }),
      ends: fc.array(fc.constantFrom(...ends), { minLength: 1, maxLength: 2 }),
    },
    { noNullPrototype: true },
  );

/** Carries out a plan with the scheduler's choice at each place where the server waits for a store; returns what was wrong. */
export async function runInterleaving(
  parts: Parts,
  { stores, acts, ends }: Plan,
  scheduler: fc.Scheduler,
  doubles: Doubles = {},
): Promise<readonly string[]> {
  const history = createHistory();
  const house = createHouse(parts, { ...stores, ...doubles }, history, (where) =>
    scheduler.schedule(DONE, where),
  );
  const visits = createVisits(parts, house);
  const subjects: Subject[] = [];

  async function signIn(name: string, userId: string): Promise<Subject> {
    const subject = await visits.signIn(name, userId);
    if (subject === undefined) throw new Error(`${name} was not signed in`);
    subjects.push(subject);
    return subject;
  }

  const laptop = await signIn('the laptop', TRADER);
  const phone = await signIn('the phone', TRADER);
  const desk = await signIn("the administrator's desk", ADMIN);
  await visits.exchange(phone);
  house.setUp();

  const scene: Scene = {
    house,
    visits,
    by: { laptop, phone, desk },
    async signIn() {
      const subject = await visits.signIn('the new device', TRADER);
      if (subject === undefined) return;
      subjects.push(subject);
      await visits.form(subject);
    },
  };
  const waiting: Step[] = [];
  const failures: unknown[] = [];
  for (const step of [...acts, ...ends]) {
    waiting.push(step);
    scheduler
      .schedule(DONE, step)
      .then(() => PLAN[step](scene))
      .catch((error: unknown) => visits.isExpected(error) || failures.push(error))
      .finally(() => waiting.splice(waiting.indexOf(step), 1));
  }
  for (let idleTurns = 0; waiting.length > 0 && idleTurns < MOST_IDLE_TURNS; idleTurns += 1) {
    for (; scheduler.count() > 0; idleTurns = 0) await scheduler.waitNext(1);
    // A turn that the server itself gives to others.
    await nextTurn();
  }
  const [failure] = failures;
  if (failure !== undefined) throw failure;
  if (waiting.length > 0) {
    history.add({ kind: 'stuck', waiting: waiting });
  } else {
    await house.settle();
    for (const subject of subjects) await visits.look(subject);
  }
  return findViolations(history.events);
}

const DONE = Promise.resolve();
const MOST_IDLE_TURNS = 5;
