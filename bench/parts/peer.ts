import { pathToFileURL } from 'node:url';
import { installBetterAuth } from '../better-auth.ts';
import type { Comparison } from '../comparison.ts';
import { LOAD_METRICS } from '../measure-load.ts';
import { PASSWORD } from '../people.ts';
import { startApp } from '../server.ts';
import { inEachSetup } from '../setups.ts';
import type { Workshop } from '../workshop.ts';
import { brokerPage, expectSamePage, loadByTurns, startCurfewWithPeople } from './guarded-page.ts';

/** The same page behind what people would pick in place of Curfew's sessions. Nothing where it cannot be installed. */
export async function comparePeer(workshop: Workshop): Promise<readonly Comparison[]> {
  const module = await installBetterAuth().catch((error: unknown) => {
    const why = error instanceof Error ? error.message.split('\n').at(-1) : String(error);
    process.stdout.write(`better-auth could not be installed and is left out: ${why}\n\n`);
    return undefined;
  });
  if (module === undefined) return [];
  return inEachSetup(workshop, async (setup) => {
    const curfew = await startCurfewWithPeople(workshop, setup);
    const peer = await startApp('better-auth', workshop.placement.server, {
      DATABASE_URL: setup.env.DATABASE_URL,
      REDIS_URL: await workshop.newRedisDatabase(),
      PASSWORD,
      BETTER_AUTH: pathToFileURL(module).href,
    });
    workshop.atEnd(() => peer.stop());
    const cookie = await (await fetch(`${peer.origin}/cookie`)).text();
    const targets = { 'better-auth': await brokerPage(peer, cookie), Curfew: await brokerPage(curfew) };
    await expectSamePage(Object.values(targets));
    return [
      {
        id: 'peer',
        title: 'The same page behind getSession of better-auth, its sessions in Redis',
        metrics: LOAD_METRICS,
        subjects: await loadByTurns(workshop, targets),
      },
    ];
  });
}
