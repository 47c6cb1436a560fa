import { alternate, type Comparison } from '../comparison.ts';
import { LOAD_METRICS, measureLoad, type Target, warmUp } from '../measure-load.ts';
import { makePeople, PASSWORD, signInAt, usernameOf } from '../people.ts';
import { type BenchServer, startApp, startCurfew } from '../server.ts';
import type { Workshop } from '../workshop.ts';

/** The page for the signed-in, the same three times; and Curfew's dashboard, which nobody else has. */
export async function compareGuardedPage(workshop: Workshop): Promise<readonly Comparison[]> {
  const { placement, options } = workshop;
  const file = workshop.newDatabaseFile();
  await makePeople(file, 1);
  const curfew = await startCurfew(placement.server, {
    DATABASE_URL: `sqlite:${file}`,
    REDIS_URL: await workshop.newRedisDatabase(),
  });
  workshop.atEnd(() => curfew.stop());
  const plain = await startPlain(workshop, { DATABASE_FILE: file });
  const withLuxon = await startPlain(workshop, { DATABASE_FILE: file, EXPIRY_CHECK: 'luxon' });

  const page = {
    plain: await brokerPage(plain),
    'plain + luxon': await brokerPage(withLuxon),
    Curfew: await brokerPage(curfew),
  };
  await expectSamePage(Object.values(page));
  const dashboard = {
    ...page.Curfew,
    path: '/dashboard',
    mustContain: ['data-text="Dashboard" aria-current="page"', usernameOf(0)],
  };
  const targets = { ...page, 'Curfew /dashboard': dashboard };
  for (const target of Object.values(targets)) await warmUp(workshop, target);

  const measures = Object.entries(targets).map(
    ([name, target]) => [name, () => measureLoad(workshop, target)] as const,
  );
  const subjects = await alternate(Object.fromEntries(measures), options.rounds);
  const title = 'Guarded page: GET /broker by somebody signed in; Redis for sessions, SQLite for data';
  const [, luxon, itself] = subjects;
  return [
    { title, metrics: LOAD_METRICS, subjects },
    {
      title: 'The same rounds, compared with the naive check',
      metrics: LOAD_METRICS,
      subjects: [luxon, itself].filter((subject) => subject !== undefined),
    },
  ];
}

/**
 * The stack that Curfew is compared with, over the data in DATABASE_FILE; with EXPIRY_CHECK=luxon, and its obvious expiry
 * check.
 */
export async function startPlain(
  workshop: Workshop,
  env: Readonly<{ DATABASE_FILE: string; EXPIRY_CHECK?: string }>,
  cpu = workshop.placement.server,
): Promise<BenchServer> {
  const plain = await startApp('plain', cpu, {
    REDIS_URL: await workshop.newRedisDatabase(),
    PASSWORD,
    ...env,
  });
  workshop.atEnd(() => plain.stop());
  return plain;
}

export async function brokerPage(server: BenchServer): Promise<Target> {
  return {
    server,
    path: '/broker',
    cookie: await signInAt(server.origin),
    mustContain: ['data-text="Brokers" aria-current="page"', usernameOf(0), 'name="_csrf"', '</html>'],
  };
}

/** Otherwise it would be no comparison. The CSRF token alone may differ. */
async function expectSamePage(targets: readonly Target[]): Promise<void> {
  const bodies = await Promise.all(
    targets.map(async ({ server, path, cookie = '' }) => {
      const response = await fetch(server.origin + path, {
        headers: { Accept: 'text/html', Cookie: cookie },
      });
      return (await response.text()).replace(/(name="_csrf" value=")[^"]+/g, '$1');
    }),
  );
  if (new Set(bodies).size !== 1) throw new Error('The pages differ, so their speed cannot be compared');
}
