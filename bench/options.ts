import { parseArgs } from 'node:util';
import { SECTIONS, type SectionName } from './growth/points.ts';

export const PARTS = [
  'page',
  'peer',
  'gateway',
  'exempt',
  'sign-ins',
  'guessing',
  'user-names',
  'caches',
  'api',
  'symbols',
  'sweep',
  'traffic-rows',
  'allocations',
  'start',
  'bans',
  'fan-out',
  'sockets',
] as const;
export type PartName = (typeof PARTS)[number];

export interface Options {
  readonly parts: readonly PartName[];
  /** What to profile, in place of measuring parts. */
  readonly profile: string | undefined;
  /** What to measure at growing sizes, in place of parts. */
  readonly growth: readonly SectionName[] | undefined;
  /** Only with SQLite, of the two ways to run. */
  readonly sqlite: boolean;
  /** Of growth: a hundredth of the sizes. */
  readonly small: boolean;
  readonly rounds: number;
  /** How long each subject is under load in each round. */
  readonly seconds: number;
  readonly connections: number;
}

const USAGE = `npm run bench -- [${PARTS.join('|')} ...] [--rounds 9] [--seconds 2] [--connections 10] [--sqlite]
npm run bench -- profile page|dashboard|login|home|asset
npm run bench -- growth [${SECTIONS.join('|')} ...] [--sqlite] [--small]`;

/** Reads the command line; what is wrong with it, in words, where it cannot be read. */
export function readOptions(args: readonly string[]): Options | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '9' },
        seconds: { type: 'string', default: '2' },
        connections: { type: 'string', default: '10' },
        sqlite: { type: 'boolean', default: false },
        small: { type: 'boolean', default: false },
      },
    });
    const [first, ...others] = positionals;
    const profile = first === 'profile' ? (others[0] ?? 'page') : undefined;
    const growth = first === 'growth' ? others.map((text) => oneOf(SECTIONS, text)) : undefined;
    return {
      parts:
        first === undefined
          ? PARTS
          : (growth ?? profile)
            ? []
            : positionals.map((text) => oneOf(PARTS, text)),
      profile,
      growth: growth?.length === 0 ? SECTIONS : growth,
      sqlite: values.sqlite,
      small: values.small,
      rounds: readPositive('rounds', values.rounds),
      seconds: readPositive('seconds', values.seconds),
      connections: readPositive('connections', values.connections),
    };
  } catch (error) {
    return `${error instanceof Error ? error.message : error}\n${USAGE}`;
  }
}

function oneOf<Name extends string>(names: readonly Name[], text: string): Name {
  const found = names.find((name) => name === text);
  if (found === undefined) throw new Error(`There is no part "${text}".`);
  return found;
}

function readPositive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} takes a number above 0.`);
  return value;
}
