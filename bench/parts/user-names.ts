import { createFactorStore } from '../../src/accounts/second-factor/factor-store.ts';
import { createUserStore } from '../../src/accounts/user-store.ts';
import { systemClock } from '../../src/core/clock.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { type Comparison, type Metric, spreadOf } from '../comparison.ts';
import { openForm, send } from '../login-form.ts';
import { makePeople, usernameOf } from '../people.ts';
import { startCurfew } from '../server.ts';
import type { Workshop } from '../workshop.ts';

const WARM_UP = 20;
const TRIES = 300;
const ADDRESS = '192.0.2.1';

const NAMES = {
  'unknown name': usernameOf(999),
  'known name': usernameOf(0),
  'known, with a second factor': usernameOf(1),
} as const;

const METRICS: readonly Metric[] = [
  { name: 'p50 ms', better: 'less', digits: 2 },
  { name: 'p95 ms', better: 'less', digits: 2 },
];

/** Whether the time of a refused sign-in tells if there is such an account: each with a wrong password, by turns. */
export async function compareUserNames(workshop: Workshop): Promise<readonly Comparison[]> {
  const file = workshop.newDatabaseFile();
  await makePeople(`sqlite:${file}`, 2);
  await addFactor(file, NAMES['known, with a second factor']);
  const { origin, stop } = await startCurfew(undefined, {
    DATABASE_URL: `sqlite:${file}`,
    TRUST_PROXY: '127.0.0.1',
  });
  workshop.atEnd(stop);
  const form = await openForm(origin, ADDRESS);
  const subjects = Object.entries(NAMES).map(([name, username]) => ({
    name,
    username,
    times: [] as number[],
  }));

  for (let round = 0; round < WARM_UP + TRIES; round += 1) {
    for (let turn = 0; turn < subjects.length; turn += 1) {
      const subject = subjects[(round + turn) % subjects.length];
      const startedAt = performance.now();
      const { status } = await send(form, `wrong ${round}`, ADDRESS, subject);
      if (status !== 401) throw new Error(`A wrong password answered ${status}`);
      if (round >= WARM_UP) subject?.times.push(performance.now() - startedAt);
    }
  }
  return [
    {
      title: `Refused sign-ins, ${TRIES} of each; x: the first column's time through this one's`,
      metrics: METRICS,
      subjects: subjects.map(({ name, times }) => ({ name, samples: [toSample(times)] })),
    },
  ];
}

function toSample(times: readonly number[]): Readonly<Record<string, number>> {
  const sorted = times.toSorted((a, b) => a - b);
  return {
    'p50 ms': spreadOf(times).median,
    'p95 ms': sorted[Math.floor(sorted.length * 0.95)] ?? Number.NaN,
  };
}

/** Its secret is never read: the password is wrong. */
async function addFactor(file: string, username: string): Promise<void> {
  const database = await openDatabase({ dialect: 'sqlite', file });
  const user = await createUserStore({ database, clock: systemClock }).findByUsername(username);
  await createFactorStore({ database, now: systemClock.now }).enrol({
    userId: user?.id ?? '',
    secret: 'not read',
    step: 0,
    recoveryCodeDigests: ['not read'],
  });
  await database.close();
}
