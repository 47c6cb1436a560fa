import type { DataLost, HistoryEvent, PageRequest, Revocation, Settled, SignIn } from './history.ts';

/** A promise that the history shows broken. */
export interface Violation {
  readonly rule: 'reported_done' | 'stored_happens' | 'no_resurrection' | 'nothing_else_ends';
  readonly sentence: string;
  readonly evidence: readonly HistoryEvent[];
}

/**
 * Holds a history against the invariant: once a revocation has been reported, no request that starts after the report
 * succeeds with what it ended; and every revocation that was stored has happened when the dust has settled. What overlaps
 * in time may have come in either order, so only what certainly came before or after is judged.
 */
export function findViolations(events: readonly HistoryEvent[]): readonly Violation[] {
  const signIns = events.filter((event): event is SignIn => event.kind === 'sign_in');
  const revocations = events.filter((event): event is Revocation => event.kind === 'revocation');
  const settled = events.filter((event): event is Settled => event.kind === 'settled');
  const losses = events.filter((event): event is DataLost => event.kind === 'data_lost');
  const pagesOf = Map.groupBy(
    events.filter((event): event is PageRequest => event.kind === 'page'),
    (page) => page.session,
  );

  return signIns.flatMap((signIn) => {
    const pages = pagesOf.get(signIn.session) ?? [];
    const mustEnd = revocations.filter((revocation) => certainlyCovers(revocation, signIn));
    const mayEnd = revocations.filter((revocation) => perhapsCovers(revocation, signIn, settled));
    return [
      ...mustEnd.flatMap((revocation) => usedAfterReport(revocation, pages)),
      ...mustEnd.flatMap((revocation) => usedAfterSettling(revocation, settled, pages)),
      ...resurrections(pages),
      ...lostSessions(signIn, mayEnd, losses, pages),
    ];
  });
}

function usedAfterReport(revocation: Revocation, pages: readonly PageRequest[]): readonly Violation[] {
  if (revocation.report !== 'done') return [];
  return pages
    .filter((page) => page.outcome === 'in' && page.startedAt > revocation.endedAt)
    .slice(0, 1)
    .map((page) => ({
      rule: 'reported_done',
      sentence: `node ${page.node} let a session in ${ms(page.startedAt - revocation.endedAt)} after "${revocation.what}" was reported done`,
      evidence: [revocation, page],
    }));
}

function usedAfterSettling(
  revocation: Revocation,
  settled: readonly Settled[],
  pages: readonly PageRequest[],
): readonly Violation[] {
  if (revocation.report === 'unknown') return [];
  const then = settled.find((moment) => moment.at >= revocation.endedAt);
  if (then === undefined) return [];
  return pages
    .filter((page) => page.outcome === 'in' && page.startedAt > then.at)
    .slice(0, 1)
    .map((page) => ({
      rule: 'stored_happens',
      sentence: `"${revocation.what}" was taken, all is mended, and node ${page.node} still lets the session in`,
      evidence: [revocation, then, page],
    }));
}

function resurrections(pages: readonly PageRequest[]): readonly Violation[] {
  return pages
    .filter((page) => page.outcome === 'out')
    .flatMap((out) => {
      const back = pages.find((page) => page.outcome === 'in' && page.startedAt > out.endedAt);
      return back === undefined ? [] : [{ out, back }];
    })
    .slice(0, 1)
    .map(({ out, back }) => ({
      rule: 'no_resurrection',
      sentence: `node ${back.node} let a session in ${ms(back.startedAt - out.endedAt)} after node ${out.node} had said that it is over`,
      evidence: [out, back],
    }));
}

/** The other side of the promise: what nobody ended goes on. */
function lostSessions(
  signIn: SignIn,
  mayEnd: readonly Revocation[],
  losses: readonly DataLost[],
  pages: readonly PageRequest[],
): readonly Violation[] {
  return pages
    .filter((page) => page.outcome === 'out')
    .filter((page) => !losses.some((loss) => signIn.startedAt < loss.at && loss.at < page.endedAt))
    .filter((page) => !mayEnd.some((revocation) => revocation.startedAt < page.endedAt))
    .slice(0, 1)
    .map((page) => ({
      rule: 'nothing_else_ends',
      sentence: `node ${page.node} said that a session is over which nobody had ended`,
      evidence: [signIn, page],
    }));
}

/** The session was there, and known to be, before the revocation was asked for. */
function certainlyCovers(revocation: Revocation, signIn: SignIn): boolean {
  return signIn.endedAt < revocation.startedAt && isInScope(revocation, signIn);
}

/**
 * Only a sign-in that began when all was over is certainly spared: an order may be stored by a request that failed, and
 * be carried out any time until the dust has settled.
 */
function perhapsCovers(revocation: Revocation, signIn: SignIn, settled: readonly Settled[]): boolean {
  const settledAt = settled.find((moment) => moment.at >= revocation.endedAt)?.at ?? Number.POSITIVE_INFINITY;
  const isCertain = revocation.report === 'done' && revocation.mayEndAllOf === undefined;
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

const ms = (duration: number): string => `${Math.round(duration)} ms`;
