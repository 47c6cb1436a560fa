import type { HeapProfiler, Profiler, Runtime } from 'node:inspector';
import { LOAD_METRICS, measureLoad, type Target, warmUp } from './measure-load.ts';
import type { Options } from './options.ts';
import { apiCall, brokerPage, startCurfewWithPeople } from './parts/guarded-page.ts';
import { newSetup, setupsOf } from './setups.ts';
import { openWorkshop } from './workshop.ts';

const FUNCTIONS_SHOWN = 20;

/** What can be profiled beside an API call, and what each of its answers contains. */
const PAGES: Readonly<Record<string, Omit<Target, 'server'>>> = {
  page: { path: '/broker', mustContain: ['data-text="Brokers"'] },
  dashboard: { path: '/dashboard', mustContain: ['data-text="Dashboard"'] },
  login: { path: '/auth/login', mustContain: ['name="_csrf"'] },
  home: { path: '/', mustContain: ['href="/auth/login"'] },
  asset: { path: '/assets/curfew.css', mustContain: ['.site-header'] },
};
const SIGNED_IN: ReadonlySet<string> = new Set(['page', 'dashboard']);

/**
 * `npm run bench -- profile page`: the functions of Curfew that a request spends most of its time in, the share of the
 * garbage collector, and what a request allocates. For finding what to look at: a profile slows down what it measures.
 */
export async function profile(name: string, options: Options, say: (text: string) => void): Promise<void> {
  const page = PAGES[name];
  if (page === undefined && name !== 'api')
    throw new Error(`There is no "${name}": ${Object.keys(PAGES).join(', ')}, api.`);
  const workshop = await openWorkshop(options);
  try {
    const setup = (await setupsOf(workshop)).at(-1) ?? 'SQLite';
    const databases = await newSetup(workshop, setup);
    const curfew = await startCurfewWithPeople(workshop, databases);
    // Somebody is signed in also while a program calls.
    const signedIn = await brokerPage(curfew);
    const target =
      page === undefined
        ? await apiCall(curfew, databases)
        : { ...(SIGNED_IN.has(name) ? signedIn : { server: curfew }), ...page };
    await warmUp(workshop, target);

    await curfew.ask({ ask: 'start-profile', of: 'time' });
    const sample = await measureLoad(workshop, target);
    const taken = await curfew.ask<Profiler.Profile>({ ask: 'time-profile' });
    say(`GET ${target.path}, under a profile; ${setup}:`);
    for (const { name: metric, digits } of LOAD_METRICS)
      say(`  ${metric}: ${sample[metric]?.toFixed(digits)}`);
    for (const line of describeTime(taken)) say(line);

    await curfew.ask({ ask: 'start-profile', of: 'memory' });
    const { requests = Number.NaN } = await measureLoad(workshop, target);
    const heap = await curfew.ask<HeapProfiler.SamplingHeapProfile>({ ask: 'memory-profile' });
    for (const line of describeMemory(heap, requests)) say(line);
  } finally {
    await workshop.close();
  }
}

/** The functions that took most of the time by themselves, and those of Curfew that did with the packages they call. */
function describeTime({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): readonly string[] {
  const callers = callersOf(nodes);
  const names = namesOf(nodes, callers);
  const own = new Map<string, number>();
  const withPackages = new Map<string, number>();
  samples.forEach((id, index) => {
    const time = timeDeltas[index] ?? 0;
    add(own, names.get(id) ?? '(unknown)', time);
    let at: number | undefined = id;
    while (at !== undefined && !names.get(at)?.includes(' src/')) at = callers.get(at);
    if (at !== undefined) add(withPackages, names.get(at) ?? '', time);
  });
  own.delete('(idle)');
  const busy = sum(own.values());
  const collector = own.get('(garbage collector)') ?? 0;
  own.delete('(garbage collector)');
  const lines = (times: ReadonlyMap<string, number>): readonly string[] =>
    heaviest(times).map(([name, time]) => `${percent(time / busy)}  ${name}`);
  return [
    'Time, by itself:',
    `${percent(collector / busy)}  the garbage collector`,
    ...lines(own),
    'Time, by package:',
    ...lines(byPackage(own)),
    'Time of Curfew’s functions, with the packages that they call:',
    ...lines(withPackages),
  ];
}

/** What was allocated while the profile was taken. */
export function allocatedBytes({ head }: HeapProfiler.SamplingHeapProfile): number {
  const of = ({ selfSize, children }: HeapProfiler.SamplingHeapProfileNode): number =>
    selfSize + sum(children.map(of));
  return of(head);
}

/** The functions that allocated most by themselves, also where it was freed again. */
function describeMemory({ head }: HeapProfiler.SamplingHeapProfile, requests: number): readonly string[] {
  const sizes = new Map<string, number>();
  const add = (
    { callFrame, selfSize, children }: HeapProfiler.SamplingHeapProfileNode,
    caller: string,
  ): void => {
    const name = nameOf(callFrame) || `native code called by ${caller}`;
    sizes.set(name, (sizes.get(name) ?? 0) + selfSize);
    for (const child of children) add(child, name);
  };
  add(head, '');
  const all = sum(sizes.values());
  return [
    `Memory: ${kib(all / requests)} a request`,
    ...heaviest(sizes).map(([name, size]) => `${percent(size / all)}  ${name}`),
  ];
}

function add(amounts: Map<string, number>, name: string, amount: number): void {
  amounts.set(name, (amounts.get(name) ?? 0) + amount);
}

function byPackage(times: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const packages = new Map<string, number>();
  for (const [name, time] of times) add(packages, packageOf(name), time);
  return packages;
}

/** Of Curfew's own files, the folder. */
function packageOf(name: string): string {
  const [found] = / (?:node_modules\/(?:@[^/]+\/)?[^/]+|node:|src\/[^/]+)/.exec(name) ?? [' native code'];
  return found.trim().replace('node_modules/', '');
}

const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);
const percent = (share: number): string => `${(share * 100).toFixed(1).padStart(5)} %`;
const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;

function heaviest(amounts: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...amounts].sort(([, a], [, b]) => b - a).slice(0, FUNCTIONS_SHOWN);
}

function callersOf(nodes: Profiler.Profile['nodes']): ReadonlyMap<number, number> {
  return new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
}

/** A native function without a name goes by that of its caller. */
function namesOf(
  nodes: Profiler.Profile['nodes'],
  callers: ReadonlyMap<number, number>,
): ReadonlyMap<number, string> {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  for (const [id, name] of names)
    if (name === '') names.set(id, `native code called by ${names.get(callers.get(id) ?? id)}`);
  return names;
}

function nameOf({ functionName, url, lineNumber }: Runtime.CallFrame): string {
  if (url === '') return functionName;
  const file = url.replace(/^.*\/(?=(?:src|node_modules|bench)\/)/, '');
  return `${functionName === '' ? '(anonymous)' : functionName}  ${file}:${lineNumber + 1}`;
}
