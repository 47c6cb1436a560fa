import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '../../src/storage/database.ts';
import { alternate, type Comparison, type Metric, type Sample } from '../comparison.ts';
import { type LoginForm, openForm, send } from '../login-form.ts';
import { makePeople, PASSWORD } from '../people.ts';
import { startCurfew } from '../server.ts';
import type { Workshop } from '../workshop.ts';

const WARM_UP = 20;
const OWNER_EVERY_MS = 1000;
const OWNER_ADDRESS = '192.0.2.1';

const METRICS: readonly Metric[] = [
  { name: 'sign-in p50 ms', better: 'less', digits: 0 },
  { name: 'sign-in slowest ms', better: 'less', digits: 0 },
  { name: 'sign-ins', better: undefined, digits: 0 },
  { name: 'of them refused', better: 'less', digits: 0 },
  { name: 'guesses', better: undefined, digits: 0 },
  { name: 'of them checked', better: 'less', digits: 0 },
  { name: 'audit rows', better: 'less', digits: 0 },
];

/** An address for each guess: its own /64, in one /48 or in a /48 of its own. */
const IN_ONE_NETWORK = (guess: number): string => `2001:db8:1:${(guess % 65_536).toString(16)}::1`;
const IN_MANY_NETWORKS = (guess: number): string => `2001:db8:${(guess % 65_536).toString(16)}::1`;

/** How long the owner waits on a device that has signed in before, while strangers guess at the password. */
export async function measureGuessing(workshop: Workshop): Promise<readonly Comparison[]> {
  const subjects = {
    '60/s, one /48': () => measure(workshop, 60, IN_ONE_NETWORK),
    '200/s, one /48': () => measure(workshop, 200, IN_ONE_NETWORK),
    '200/s, many /48s': () => measure(workshop, 200, IN_MANY_NETWORKS),
  };
  return [
    {
      title:
        'A known device signs in every second while strangers guess at a new name from a new /64 each time; SQLite',
      metrics: METRICS,
      subjects: await alternate(subjects, workshop.options.rounds),
    },
  ];
}

async function measure(
  workshop: Workshop,
  guessesPerSecond: number,
  addressOf: (guess: number) => string,
): Promise<Sample> {
  const file = workshop.newDatabaseFile();
  await makePeople(`sqlite:${file}`, 1);
  const server = await startCurfew(undefined, {
    DATABASE_URL: `sqlite:${file}`,
    TRUST_PROXY: '127.0.0.1',
    LOGIN_RATE_LIMIT: '5/minute,25/hour',
    PUBLIC_RATE_LIMIT: '600/minute',
  });
  try {
    const owner = await openForm(server.origin, OWNER_ADDRESS);
    const { device } = await send(owner, PASSWORD, OWNER_ADDRESS);
    if (device === undefined) throw new Error('The owner could not sign in');
    for (let each = 0; each < WARM_UP; each += 1) await signInWith(device, server.origin);
    const rowsBefore = await countAuditRows(file);

    const endAt = performance.now() + workshop.options.seconds * 1000;
    const guessing = guess(await openForm(server.origin, addressOf(0)), guessesPerSecond, addressOf, endAt);
    const times: number[] = [];
    let refused = 0;
    while (performance.now() < endAt) {
      const startedAt = performance.now();
      const status = await signInWith(device, server.origin).catch(() => 0);
      times.push(performance.now() - startedAt);
      if (status !== 303) refused += 1;
      await sleep(OWNER_EVERY_MS);
    }
    const statuses = await guessing;
    await server.stop();
    times.sort((a, b) => a - b);
    return {
      'sign-in p50 ms': times[Math.floor(times.length / 2)] ?? Number.NaN,
      'sign-in slowest ms': times.at(-1) ?? Number.NaN,
      'sign-ins': times.length,
      'of them refused': refused,
      guesses: statuses.length,
      'of them checked': statuses.filter((status) => status === 401).length,
      // Without those of the owner's own sign-ins.
      'audit rows': (await countAuditRows(file)) - rowsBefore - (times.length - refused),
    };
  } finally {
    await server.stop();
  }
}

async function signInWith(device: string, origin: string): Promise<number> {
  const form = await openForm(origin, OWNER_ADDRESS);
  return (await send({ ...form, device }, PASSWORD, OWNER_ADDRESS)).status;
}

/** At an even rate, whether or not the last one was answered. */
async function guess(
  form: LoginForm,
  perSecond: number,
  addressOf: (guess: number) => string,
  endAt: number,
): Promise<readonly number[]> {
  const startedAt = performance.now();
  // Fewer than a listening socket has room for: the owner is not to wait for a lost handshake.
  const agent = new Agent({ keepAlive: true, maxSockets: 300 });
  const answers: Promise<number>[] = [];
  while (performance.now() < endAt) {
    const due = ((performance.now() - startedAt) / 1000) * perSecond;
    while (answers.length < due) {
      const address = addressOf(answers.length + 1);
      answers.push(
        send(form, `guess ${answers.length}`, address, {
          username: `guess${answers.length}`,
          agent,
        }).then(
          ({ status }) => status,
          // Not even connected: the guesser's loss.
          () => 0,
        ),
      );
    }
    await sleep(1000 / perSecond);
  }
  const statuses = await Promise.all(answers);
  agent.destroy();
  return statuses;
}

async function countAuditRows(file: string): Promise<number> {
  const database = await openDatabase({ dialect: 'sqlite', file });
  const { rows } = await database.db
    .selectFrom('audit_log')
    .select(({ fn }) => fn.countAll<number>().as('rows'))
    .executeTakeFirstOrThrow();
  await database.close();
  return Number(rows);
}
