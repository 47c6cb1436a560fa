import type { Revocation, Settled, SignIn } from './history.ts';

/** The session was there, and known to be, before the revocation was asked for. */
export function certainlyCovers(revocation: Revocation, signIn: SignIn): boolean {
  return signIn.endedAt < revocation.startedAt && isInScope(revocation, signIn);
}

/**
 * Who signs in after an order was stored is spared by it, however late it is carried out. Not so where nobody knows
 * whether it was stored, nor where it may have become another order since: until the dust has settled.
 */
export function perhapsCovers(revocation: Revocation, signIn: SignIn, settled: readonly Settled[]): boolean {
  const settledAt = settled.find((moment) => moment.at >= revocation.endedAt)?.at ?? Number.POSITIVE_INFINITY;
  const isCertain = revocation.report !== 'unknown' && revocation.mayEndAllOf === undefined;
  const until = isCertain ? revocation.endedAt : settledAt;
  const inScope = isInScope(revocation, signIn) || revocation.mayEndAllOf === signIn.user;
  return signIn.startedAt < until && inScope;
}

function isInScope({ scope }: Revocation, { session, user }: SignIn): boolean {
  switch (scope.kind) {
    case 'session':
      return scope.session === session;
    case 'user':
      return scope.user === user && scope.except !== session;
    case 'all':
      return true;
  }
}

export const ms = (duration: number): string => `${Math.round(duration)} ms`;
