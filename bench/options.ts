import { parseArgs } from 'node:util';

export const PARTS = [
  'page',
  'gateway',
  'exempt',
  'sign-ins',
  'guessing',
  'user-names',
  'caches',
  'api',
  'symbols',
  'sweep',
  'bans',
  'fan-out',
  'sockets',
] as const;
export type PartName = (typeof PARTS)[number];

export interface Options {
  readonly parts: readonly PartName[];
  /** What to profile, in place of measuring parts. */
  readonly profile: string | undefined;
  readonly rounds: number;
  /** How long each subject is under load in each round. */
  readonly seconds: number;
  readonly connections: number;
}

const USAGE = `npm run bench -- [${PARTS.join('|')} ...] [--rounds 9] [--seconds 2] [--connections 10]
npm run bench -- profile page|dashboard|login|home|asset`;

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
      },
    });
    const [first, what = 'page'] = positionals;
    const profile = first === 'profile' ? what : undefined;
    return {
      parts: positionals.length === 0 ? PARTS : profile === undefined ? positionals.map(readPart) : [],
      profile,
      rounds: readPositive('rounds', values.rounds),
      seconds: readPositive('seconds', values.seconds),
      connections: readPositive('connections', values.connections),
    };
  } catch (error) {
    return `${error instanceof Error ? error.message : error}\n${USAGE}`;
  }
}

function readPart(text: string): PartName {
  const part = PARTS.find((name) => name === text);
  if (part === undefined) throw new Error(`There is no part "${text}".`);
  return part;
}

function readPositive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} takes a number above 0.`);
  return value;
}
