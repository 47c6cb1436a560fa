import { alternate, type Comparison, type Metric, type Sample } from '../comparison.ts';
import { type LoadGenerator, startLoadGenerator } from '../load/load-generator.ts';
import type { Probe } from '../load/probing.ts';
import { PASSWORD, signInAt, usernameOf } from '../people.ts';
import type { BenchServer } from '../server.ts';
import { inEachSetup, type Setup } from '../setups.ts';
import type { Workshop } from '../workshop.ts';
import { startCurfewWithPeople, startPlain } from './guarded-page.ts';

const PEOPLE = 50;

const METRICS: readonly Metric[] = [
  { name: 'static p50 ms', better: 'less', digits: 1 },
  { name: 'static p99 ms', better: 'less', digits: 1 },
  { name: 'page p50 ms', better: 'less', digits: 1 },
  { name: 'page p99 ms', better: 'less', digits: 1 },
  { name: 'sign-ins/s', better: 'more', digits: 1 },
];

/**
 * How everybody else fares while 50 people sign in at once. No process is bound to a CPU: hashing takes what it gets,
 * and that is the question.
 */
export function compareSignIns(workshop: Workshop): Promise<readonly Comparison[]> {
  return inEachSetup(workshop, (setup) => compare(workshop, setup));
}

async function compare(workshop: Workshop, setup: Setup): Promise<readonly Comparison[]> {
  const curfew = await startCurfewWithPeople(workshop, setup, { people: PEOPLE, isBound: false });
  const { DATABASE_URL } = setup.env;
  const plain = await startPlain(workshop, { DATABASE_URL }, false);
  const prober = startLoadGenerator(undefined);
  workshop.atEnd(() => prober.stop());
  const crowd = startLoadGenerator(undefined);
  workshop.atEnd(() => crowd.stop());

  const measures = {
    'plain, hashing unbounded': await prepare(plain, crowd, prober, workshop.options.seconds),
    Curfew: await prepare(curfew, crowd, prober, workshop.options.seconds),
  };
  return [
    {
      id: 'sign-ins',
      title: `${PEOPLE} people signing in at once (Argon2id, the same parameters), and what others wait meanwhile`,
      metrics: METRICS,
      subjects: await alternate(measures, workshop.options.rounds),
    },
  ];
}

async function prepare(
  { origin }: BenchServer,
  crowd: LoadGenerator,
  prober: LoadGenerator,
  seconds: number,
): Promise<() => Promise<Sample>> {
  const usernames = Array.from({ length: PEOPLE }, (_, index) => usernameOf(index));
  const headers = { Accept: 'text/html', Cookie: await signInAt(origin) };
  const probes: readonly Probe[] = [
    { name: 'static', path: '/assets/curfew.css', headers: {}, mustContain: '.site-header' },
    { name: 'page', path: '/broker', headers, mustContain: usernameOf(0) },
  ];
  return async () => {
    const [signIns, latencies] = await Promise.all([
      crowd.signIn({ origin, usernames, password: PASSWORD, seconds }),
      prober.probe({ origin, probes, seconds }),
    ]);
    return {
      'static p50 ms': latencies['static']?.p50Ms ?? Number.NaN,
      'static p99 ms': latencies['static']?.p99Ms ?? Number.NaN,
      'page p50 ms': latencies['page']?.p50Ms ?? Number.NaN,
      'page p99 ms': latencies['page']?.p99Ms ?? Number.NaN,
      'sign-ins/s': signIns.signIns / signIns.seconds,
    };
  };
}
