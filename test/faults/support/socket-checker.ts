import type { Violation } from './checker.ts';
import type {
  ClockSet,
  FaultDone,
  HistoryEvent,
  Revocation,
  Settled,
  SignIn,
  SocketClosed,
  SocketMessage,
  SocketOpened,
} from './history.ts';
import { certainlyCovers, ms, perhapsCovers } from './revocation-cover.ts';
import { KEEPS_FROM_DATABASE } from './schedule.ts';

/**
 * As docs/websocket.md promises: a socket ends within a second of its session, by a message or, once a second, by a look
 * into the database. The rest is for a machine that does other things as well.
 */
const ENDS_WITHIN_MS = 1000 + 2000;
/** A node that was away from its database first gives up the connections of before: after 1.5 s. */
const LOOKS_AGAIN_WITHIN_MS = ENDS_WITHIN_MS + 1500;

interface Socket {
  readonly opened: SocketOpened;
  readonly signIn: SignIn;
  readonly closed: SocketClosed | undefined;
  readonly messages: readonly SocketMessage[];
}

/** Holds the WebSockets of a history against what docs/websocket.md says of their ends. */
export function findSocketViolations(events: readonly HistoryEvent[]): readonly Violation[] {
  const judge = createJudge(events);
  return judge.sockets.flatMap((socket) => [...judge.outlived(socket), ...judge.closedRightly(socket)]);
}

/** Whether each socket that must be closed is, or is open for too long by now. */
export function areSocketsJudged(events: readonly HistoryEvent[], now: number): boolean {
  const { sockets, orders, steady } = createJudge(events);
  const open = sockets.filter(({ closed }) => closed === undefined);
  return open.flatMap(orders).every(({ due }) => due < steady(now));
}

/** For what was measured: the longest that a socket outlived its session, in milliseconds. */
export function longestOutlived(events: readonly HistoryEvent[]): number {
  const { sockets, orders, steady } = createJudge(events);
  const closed = sockets.filter((socket) => socket.closed !== undefined);
  return Math.max(
    0,
    ...closed.flatMap((socket) =>
      orders(socket).map(
        ({ from }) => steady(socket.closed?.at ?? 0) - Math.max(from, steady(socket.opened.at)),
      ),
    ),
  );
}

interface Order {
  readonly revocation: Revocation;
  readonly from: number;
  /** By when the socket must be closed. Both without the jumps of the clock. */
  readonly due: number;
}

function createJudge(events: readonly HistoryEvent[]) {
  const all = <K extends HistoryEvent['kind']>(kind: K) =>
    events.filter((event): event is Extract<HistoryEvent, { kind: K }> => event.kind === kind);
  const revocations = all('revocation');
  const settled = all('settled');
  const losses = all('data_lost');
  const faults = all('fault').toSorted((a, b) => a.startedAt - b.startedAt);
  const steady = withoutJumps(all('clock_set'));
  const horizon = steady(events.reduce((latest, event) => Math.max(latest, instantOf(event)), 0));
  const sockets = socketsOf(events);

  /** What certainly ends it, from when on it is known to. */
  function orders({ opened, signIn }: Socket): readonly Order[] {
    return revocations
      .filter((revocation) => certainlyCovers(revocation, signIn))
      .flatMap((revocation) => {
        const known = knownAt(revocation, settled);
        if (known === undefined) return [];
        const from = steady(Math.max(known, opened.at));
        return [{ revocation, from, due: dueAfter(from, opened.node) }];
      });
  }

  /** Each fault that comes in between gives the node time anew. */
  function dueAfter(from: number, node: string): number {
    let due = from + ENDS_WITHIN_MS;
    for (const { what, node: hit, startedAt, endedAt } of faults) {
      const concerns = KEEPS_FROM_DATABASE.has(what) && (hit === undefined || hit === node);
      const looksAgainAt = steady(endedAt) + LOOKS_AGAIN_WITHIN_MS;
      if (concerns && steady(startedAt) <= due && looksAgainAt > from) due = Math.max(due, looksAgainAt);
    }
    return due;
  }

  function outlived(socket: Socket): readonly Violation[] {
    const { opened, closed } = socket;
    const last = closed === undefined ? horizon : steady(closed.at);
    return orders(socket)
      .filter(({ due }) => last > due)
      .slice(0, 1)
      .map(({ revocation, from }) => ({
        rule: 'socket_outlives',
        sentence: `a socket at node ${opened.node} was open for ${ms(last - from)} after "${revocation.what}" was ${revocation.report}`,
        evidence: [opened, revocation, ...(closed === undefined ? [] : [closed])],
      }));
  }

  /** That it was closed for what has happened, and said so before. */
  function closedRightly({ opened, signIn, closed, messages }: Socket): readonly Violation[] {
    if (closed === undefined) return [];
    const { at, code, reason } = closed;
    const evidence = [opened, closed];
    if (code === 1006)
      return faults.some((fault) => killed(fault, opened.node, at))
        ? []
        : [{ rule: 'close_code', sentence: `node ${opened.node} dropped a socket without a word`, evidence }];
    const bye = messages.at(-1);
    if (code !== 4401 || bye?.type !== 'bye' || bye.code !== code || bye.reason !== reason) {
      const sentence = `node ${opened.node} closed a socket with ${code} ${reason} after ${bye?.type ?? 'nothing'}`;
      return [{ rule: 'close_code', sentence, evidence: [...evidence, ...(bye === undefined ? [] : [bye])] }];
    }
    const causes = revocations.filter(
      (revocation) => revocation.startedAt < at && perhapsCovers(revocation, signIn, settled),
    );
    const isLost = losses.some((loss) => signIn.startedAt < loss.at && loss.at < at);
    if (causes.length === 0 && !isLost)
      return [
        {
          rule: 'nothing_else_ends',
          sentence: `node ${opened.node} closed a socket (${reason}) whose session nobody had ended`,
          evidence: [signIn, ...evidence],
        },
      ];
    if (reason === 'revoked' || causes.some(({ closesWith }) => closesWith === reason)) return [];
    const sentence = `node ${opened.node} closed a socket for another reason (${reason}) than its session ended`;
    return [{ rule: 'close_code', sentence, evidence: [...evidence, ...causes] }];
  }

  return { sockets, orders, outlived, closedRightly, horizon, steady };
}

/** Once it is said to be done; or, where it was stored, once all is mended. */
function knownAt({ report, endedAt }: Revocation, settled: readonly Settled[]): number | undefined {
  if (report === 'done') return endedAt;
  return report === 'stored' ? settled.find((moment) => moment.at >= endedAt)?.at : undefined;
}

const killed = ({ what, node, startedAt, endedAt }: FaultDone, of: string, at: number): boolean =>
  what === 'node_killed' && node === of && startedAt <= at && at <= endedAt;

function socketsOf(events: readonly HistoryEvent[]): readonly Socket[] {
  const signIns = new Map<string, SignIn>();
  const opened: SocketOpened[] = [];
  const closed = new Map<string, SocketClosed>();
  const messages = new Map<string, SocketMessage[]>();
  for (const event of events) {
    if (event.kind === 'sign_in') signIns.set(event.session, event);
    else if (event.kind === 'socket_opened') opened.push(event);
    else if (event.kind === 'socket_closed') closed.set(event.socket, event);
    else if (event.kind === 'socket_message') {
      const heard = messages.get(event.socket) ?? [];
      heard.push(event);
      messages.set(event.socket, heard);
    }
  }
  return opened.flatMap((each) => {
    const signIn = signIns.get(each.session);
    const rest = { closed: closed.get(each.socket), messages: messages.get(each.socket) ?? [] };
    return signIn === undefined ? [] : [{ opened: each, signIn, ...rest }];
  });
}

/** Instants as they would be had nobody set the clock. */
function withoutJumps(jumps: readonly ClockSet[]): (instant: number) => number {
  return (instant) =>
    jumps.reduce((rest, { from, to }) => (to <= instant ? rest - (to - from) : rest), instant);
}

const instantOf = (event: HistoryEvent): number =>
  'endedAt' in event ? event.endedAt : 'at' in event ? event.at : event.to;
