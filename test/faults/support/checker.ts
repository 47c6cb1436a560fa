import type {
  DataLost,
  HistoryEvent,
  PageRequest,
  Revocation,
  Settled,
  SignIn,
  TokenReading,
} from './history.ts';
import { certainlyCovers, ms, perhapsCovers } from './revocation-cover.ts';
import { findSocketViolations } from './socket-checker.ts';

/** A promise that the history shows broken. */
export interface Violation {
  readonly rule:
    | 'reported_done'
    | 'stored_happens'
    | 'no_resurrection'
    | 'nothing_else_ends'
    | 'socket_outlives'
    | 'close_code';
  readonly sentence: string;
  readonly evidence: readonly HistoryEvent[];
}

/**
 * Holds a history against the invariant: once a revocation has been reported, nothing that starts after the report
 * succeeds with what it ended, be it a page, a WebSocket or a program with a broker token; every revocation that was stored
 * has happened when the dust has settled; and no socket stays open for longer than docs/websocket.md allows. What overlaps in time may have come in either order, so only what certainly came
 * before or after is judged.
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

  const readingsOf = Map.groupBy(
    events.filter((event): event is TokenReading => event.kind === 'token'),
    (reading) => reading.token,
  );

  const ofTokens = [...readingsOf.values()].flatMap((readings) => {
    const mustEnd = revocations.filter((revocation) => certainlyCoversToken(revocation, readings));
    return mustEnd.flatMap((revocation) => [
      ...usedAfterReport(revocation, readings),
      ...usedAfterSettling(revocation, settled, readings),
    ]);
  });
  const ofSessions = signIns.flatMap((signIn) => {
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
  return [...ofSessions, ...ofTokens, ...findSocketViolations(events)];
}

type Use = PageRequest | TokenReading;

const succeeded = (use: Use): boolean => use.kind === 'token' || use.outcome === 'in';

const didWhat = (use: Use): string =>
  `node ${use.node} ${use.kind === 'token' ? 'gave a token out' : DONE[use.as ?? 'page']}`;

const DONE = {
  page: 'let a session in',
  form: 'carried out a form of a session',
  socket: 'opened a socket with a session',
  subscription: 'took a subscription of a session',
} as const;

function usedAfterReport(revocation: Revocation, uses: readonly Use[]): readonly Violation[] {
  if (revocation.report !== 'done') return [];
  return uses
    .filter((use) => succeeded(use) && use.startedAt > revocation.endedAt)
    .slice(0, 1)
    .map((use) => ({
      rule: 'reported_done',
      sentence: `${didWhat(use)} ${ms(use.startedAt - revocation.endedAt)} after "${revocation.what}" was reported done`,
      evidence: [revocation, use],
    }));
}

function usedAfterSettling(
  revocation: Revocation,
  settled: readonly Settled[],
  uses: readonly Use[],
): readonly Violation[] {
  if (revocation.report === 'unknown') return [];
  const then = settled.find((moment) => moment.at >= revocation.endedAt);
  if (then === undefined) return [];
  return uses
    .filter((use) => succeeded(use) && use.startedAt > then.at)
    .slice(0, 1)
    .map((use) => ({
      rule: 'stored_happens',
      sentence: `"${revocation.what}" was taken and all is mended, and still ${didWhat(use)}`,
      evidence: [revocation, then, use],
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

/** The token was there when somebody asked to end all that its owner had. One device's end may leave it to the others. */
function certainlyCoversToken({ scope, startedAt }: Revocation, readings: readonly TokenReading[]): boolean {
  const [first] = readings;
  if (first === undefined || first.endedAt >= startedAt) return false;
  return scope.kind === 'all' || (scope.kind === 'user' && scope.user === first.user && !scope.except);
}
