import { ROLE_NAMES, type Role } from '../core/role.ts';
import { AppError } from '../errors.ts';
import { readAddress } from './forwarded-request.ts';
import { findRule, type GatewayRule, type Target, type Who } from './rules.ts';
import { judge } from './verdict.ts';

/** Users who may open an address, and why. */
export interface Explanation {
  readonly answer: 'allowed' | 'led to the sign-in page' | 'refused';
  readonly rule: GatewayRule | undefined;
  /** A sentence for an administrator. */
  readonly why: string;
}

export interface ExplainedRules {
  readonly rules: readonly GatewayRule[];
  /** Whether this server passes a request on by itself, or else refuses it. */
  readonly isRelayed: (target: Target) => boolean;
}

/** An account, or undefined for a stranger. */
export interface ExplainedUser {
  readonly username: string;
  /** By which rules name people. */
  readonly usernameKey: string;
  readonly role: Role;
  readonly disabled: boolean;
}

/**
 * The gateway's answer to a request of a user who has just signed in, or of a stranger; undefined for a text that is no
 * request.
 */
export function explain(
  { rules, isRelayed }: ExplainedRules,
  { url, method }: { readonly url: string; readonly method: string },
  user: ExplainedUser | undefined,
): Explanation | undefined {
  const target = readAsked(url, method);
  if (target === undefined) return undefined;
  const found = findRule(rules, target);
  if (found.kind === 'ambiguous')
    return refused('The path can be read in several ways that lead to different rules: none counts.');
  if (found.kind === 'none')
    return refused('No rule is for this host, path and method: everything else is refused.');
  const { rule } = found;
  if (rule.upstream === undefined && isRelayed(target))
    return refused(
      'The rule has no upstream, and others of its host have one: this server cannot pass the request on.',
      rule,
    );
  if (rule.who.kind === 'public') return { answer: 'allowed', rule, why: 'The rule is public.' };
  if (user === undefined)
    return { answer: 'led to the sign-in page', rule, why: 'The rule is for people who are signed in.' };
  if (user.disabled) return refused('The account is disabled: it cannot sign in.', rule);
  const { usernameKey, role } = user;
  if (judge(rule, { usernameKey, role, reauthenticatedAt: 0 }, 0) === 'deny')
    return refused(
      `The rule is for ${describeWho(rule.who)}, and names neither ${user.username} nor ${ROLE_NAMES[role]}s.`,
      rule,
    );
  const { freshMinutes } = rule;
  const why = `The rule is for ${describeWho(rule.who)}.`;
  if (freshMinutes === undefined) return { answer: 'allowed', rule, why };
  const password = `The password is asked for where it was last entered ${freshMinutes} minutes ago or earlier; programs with an API key are refused.`;
  return { answer: 'allowed', rule, why: `${why} ${password}` };
}

function readAsked(url: string, method: string): Target | undefined {
  try {
    return readAddress(url, method);
  } catch (error) {
    if (error instanceof AppError && error.code === 'invalid') return undefined;
    throw error;
  }
}

const refused = (why: string, rule?: GatewayRule): Explanation => ({ answer: 'refused', rule, why });

/** Whom a rule lets in, in words. */
export function describeWho(who: Who): string {
  if (who.kind === 'public') return 'everyone';
  if (who.kind === 'signed-in') return 'everyone who is signed in';
  const roles = [...who.roles].map((role) => `${ROLE_NAMES[role]}s`);
  return [...roles, ...who.people].join(', ');
}
