import type { Role } from '../core/role.ts';
import { readingsOf } from './path-readings.ts';

/** Whom a rule lets in. People are named by the keys of their usernames. */
export type Who =
  | { readonly kind: 'public' }
  | { readonly kind: 'signed-in' }
  | { readonly kind: 'some'; readonly roles: ReadonlySet<Role>; readonly people: ReadonlySet<string> };

/** One entry of the rules file. */
export interface GatewayRule {
  /** For people and logs; no two rules have the same. */
  readonly name: string;
  /** Where it begins in the file, from 1. */
  readonly line: number;
  /** As a browser sends it: lower case, with the port where that is not the scheme's own. */
  readonly host: string;
  /** It covers this path and all below it: `/api` covers `/api/orders` and not `/apis`. */
  readonly path: string;
  /** In capital letters; undefined: all. */
  readonly methods: ReadonlySet<string> | undefined;
  readonly who: Who;
  /** How old the last password or second factor may be, in minutes; undefined: as old as the session. */
  readonly freshMinutes: number | undefined;
  /** Whether its requests keep the session from becoming idle. */
  readonly activity: boolean;
  /** The origin of the tool, where this server passes requests on to it by itself; undefined: another proxy does. */
  readonly upstream: string | undefined;
}

/** A browser's or program's request to a tool. */
export interface Target {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** As in `GatewayRule.host`. */
  readonly host: string;
  /** As it was sent: the tool gets the same, and may read it in its own way. */
  readonly path: string;
  /** With its question mark; empty where there is none. */
  readonly query: string;
}

export const originOf = ({ scheme, host }: Pick<Target, 'scheme' | 'host'>): string => `${scheme}://${host}`;
export const urlOf = (target: Target): string => originOf(target) + target.path + target.query;

export type FoundRule =
  | { readonly kind: 'rule'; readonly rule: GatewayRule }
  /** `none`: default deny. `ambiguous`: how the path is read decides which rule it is. */
  | { readonly kind: 'none' }
  | { readonly kind: 'ambiguous' };

/**
 * The first rule for a target. A proxy, this server and the tool may each read one path in another way (decoded, with `..`
 * resolved, without regard to case): where that leads to different rules, none counts.
 */
export function findRule(rules: readonly GatewayRule[], { method, host, path }: Target): FoundRule {
  const candidates = rules.filter(
    (rule) => rule.host === host && (rule.methods === undefined || rule.methods.has(method)),
  );
  const readings = readingsOf(path);
  if (readings === undefined) return { kind: 'ambiguous' };
  const [first, ...others] = readings.flatMap((reading) => [
    candidates.find((rule) => covers(rule.path, reading)),
    candidates.find((rule) => covers(rule.path.toLowerCase(), reading.toLowerCase())),
  ]);
  if (others.some((rule) => rule !== first)) return { kind: 'ambiguous' };
  return first === undefined ? { kind: 'none' } : { kind: 'rule', rule: first };
}

/** Whether a path is a prefix, or lies below it. */
export function covers(prefix: string, path: string): boolean {
  const above = prefix.replace(/\/$/, '');
  return path === above || path.startsWith(`${above}/`);
}
