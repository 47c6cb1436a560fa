import type { Comparison } from './comparison.ts';
import { runGrowth } from './growth/growth.ts';
import { describeMachine, type MachineFacts } from './machine.ts';
import { type Options, type PartName, readOptions } from './options.ts';
import { measureAllocations } from './parts/allocations.ts';
import { compareApiKeys } from './parts/api.ts';
import { compareBans } from './parts/bans.ts';
import { compareCaches } from './parts/caches.ts';
import { compareExemptRoutes } from './parts/exempt-routes.ts';
import { compareFanOut } from './parts/fan-out.ts';
import { compareGateway } from './parts/gateway.ts';
import { compareGuardedPage } from './parts/guarded-page.ts';
import { measureGuessing } from './parts/guessing.ts';
import { measureManySockets } from './parts/many-sockets.ts';
import { comparePeer } from './parts/peer.ts';
import { compareSignIns } from './parts/sign-ins.ts';
import { compareStart } from './parts/start.ts';
import { compareSweep } from './parts/sweep.ts';
import { compareSymbols } from './parts/symbols.ts';
import { measureTrafficRows } from './parts/traffic-rows.ts';
import { compareUserNames } from './parts/user-names.ts';
import { profile } from './profile.ts';
import { formatComparison, writeResults } from './report.ts';
import { formatTargets } from './targets.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

/** `npm run bench`: see docs/performance.md. */
const COMPARE: Readonly<Record<PartName, (workshop: Workshop) => Promise<readonly Comparison[]>>> = {
  page: compareGuardedPage,
  peer: comparePeer,
  gateway: compareGateway,
  exempt: compareExemptRoutes,
  'sign-ins': compareSignIns,
  guessing: measureGuessing,
  'user-names': compareUserNames,
  caches: compareCaches,
  api: compareApiKeys,
  symbols: compareSymbols,
  sweep: compareSweep,
  'traffic-rows': measureTrafficRows,
  allocations: measureAllocations,
  start: compareStart,
  bans: compareBans,
  'fan-out': compareFanOut,
  sockets: measureManySockets,
};

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Prints each comparison as soon as it is there. */
async function run(options: Options): Promise<void> {
  const startedAt = new Date();
  const machine = describeMachine();
  say(describe(machine));
  say(`${options.rounds} rounds of ${options.seconds} s, ${options.connections} connections.`);
  say('median [lowest, highest]; x: how many times better than the first column, round by round\n');

  const comparisons: Comparison[] = [];
  for (const part of options.parts) {
    const workshop = await openWorkshop(options);
    try {
      for (const comparison of await COMPARE[part](workshop)) {
        comparisons.push(comparison);
        say(`${formatComparison(comparison)}\n`);
      }
    } finally {
      await workshop.close();
    }
  }
  const targets = formatTargets(comparisons);
  if (targets !== '') say(`${targets}\n`);
  say(`Written to ${writeResults(startedAt, machine, options, comparisons)}`);
}

function describe(machine: MachineFacts): string {
  return Object.entries(machine)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ');
}

const options = readOptions(process.argv.slice(2));
if (typeof options === 'string') {
  process.stderr.write(`${options}\n`);
  process.exitCode = 2;
} else if (options.profile !== undefined) {
  await profile(options.profile, options, say);
} else if (options.growth !== undefined) {
  await runGrowth(options.growth, options.small, options, say);
} else {
  await run(options);
}
