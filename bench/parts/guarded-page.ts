import { alternate, type Comparison, type Sample, type Subject } from '../comparison.ts';
import { LOAD_METRICS, measureLoad, type Target, warmUp } from '../measure-load.ts';
import { makeApiKey, makePeople, PASSWORD, signInAt, usernameOf } from '../people.ts';
import { type BenchServer, startApp, startCurfew } from '../server.ts';
import { inEachSetup, type Setup } from '../setups.ts';
import type { Workshop } from '../workshop.ts';

const API_CALL = '/api/v1/session';

/** The page for the signed-in, the same three times; and of Curfew the dashboard and an API call, which nobody else has. */
export function compareGuardedPage(workshop: Workshop): Promise<readonly Comparison[]> {
  return inEachSetup(workshop, async (setup) => {
    const { DATABASE_URL } = setup.env;
    const curfew = await startCurfewWithPeople(workshop, setup);
    const plain = await startPlain(workshop, { DATABASE_URL });
    const withLuxon = await startPlain(workshop, { DATABASE_URL, EXPIRY_CHECK: 'luxon' });
    const page = {
      plain: await brokerPage(plain),
      'plain + luxon': await brokerPage(withLuxon),
      Curfew: await brokerPage(curfew),
    };
    await expectSamePage(Object.values(page));
    const targets: Readonly<Record<string, Target>> = {
      ...page,
      'Curfew /dashboard': {
        ...page.Curfew,
        path: '/dashboard',
        mustContain: ['data-text="Dashboard" aria-current="page"', usernameOf(0)],
      },
      'Curfew API call': await apiCall(curfew, setup),
    };
    return [
      {
        id: 'page',
        title: 'Guarded page: GET /broker by a signed-in user',
        metrics: LOAD_METRICS,
        subjects: await loadByTurns(workshop, targets),
      },
    ];
  });
}

export async function loadByTurns(
  workshop: Workshop,
  targets: Readonly<Record<string, Target>>,
): Promise<readonly Subject[]> {
  for (const target of Object.values(targets)) await warmUp(workshop, target);
  const measures = Object.entries(targets).map(([name, target]): readonly [string, () => Promise<Sample>] => [
    name,
    () => measureLoad(workshop, target),
  ]);
  return alternate(Object.fromEntries(measures), workshop.options.rounds);
}

export async function startCurfewWithPeople(
  workshop: Workshop,
  { env }: Setup,
  { people = 1, role = 'user', isBound = true, settings = {} }: CurfewOptions = {},
): Promise<BenchServer> {
  await makePeople(env.DATABASE_URL, people, role);
  const curfew = await startCurfew(isBound ? workshop.placement.server : undefined, { ...env, ...settings });
  workshop.atEnd(() => curfew.stop());
  return curfew;
}

interface CurfewOptions {
  readonly people?: number;
  readonly role?: 'user' | 'admin';
  /** Whether it has the CPU of servers to itself. */
  readonly isBound?: boolean;
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * The stack that Curfew is compared with, over the data in DATABASE_URL; with EXPIRY_CHECK=luxon, and its obvious expiry
 * check.
 */
export async function startPlain(
  workshop: Workshop,
  env: Readonly<{ DATABASE_URL: string; EXPIRY_CHECK?: string }>,
  isBound = true,
): Promise<BenchServer> {
  const plain = await startApp('plain', isBound ? workshop.placement.server : undefined, {
    REDIS_URL: await workshop.newRedisDatabase(),
    PASSWORD,
    ...env,
  });
  workshop.atEnd(() => plain.stop());
  return plain;
}

export async function brokerPage(server: BenchServer, cookie?: string): Promise<Target> {
  return {
    server,
    path: '/broker',
    cookie: cookie ?? (await signInAt(server.origin)),
    mustContain: ['data-text="Brokers" aria-current="page"', usernameOf(0), 'name="_csrf"', '</html>'],
  };
}

/** With a key that was used before: its first use hashes, which is not what a key in use costs. */
export async function apiCall(server: BenchServer, { env }: Setup): Promise<Target> {
  const headers = { Authorization: `Bearer ${await makeApiKey(env.DATABASE_URL)}` };
  await fetch(`${server.origin}${API_CALL}`, { headers });
  return { server, path: API_CALL, headers, mustContain: ['"live":true', usernameOf(0)] };
}

/** Otherwise it would be no comparison. The CSRF token alone may differ. */
export async function expectSamePage(targets: readonly Target[]): Promise<void> {
  const bodies = await Promise.all(
    targets.map(async ({ server, path, cookie = '' }) => {
      const response = await fetch(server.origin + path, {
        headers: { Accept: 'text/html', Cookie: cookie },
      });
      return (await response.text()).replace(/(name="_csrf" value=")[^"]*/g, '$1');
    }),
  );
  if (new Set(bodies).size !== 1) throw new Error('The pages differ, so their speed cannot be compared');
}
