import type { Clock } from '../core/clock.ts';
import { MINUTE_MS } from '../core/duration.ts';
import type { ClientSubject } from './client-address.ts';
import type { ServedRequest } from './request-watch.ts';

/** A request in a log: without the session, the body and the headers. */
export type LoggedRequest = Omit<ServedRequest, 'req'>;

/** Of refusals that were counted and not written down one by one. */
export interface RefusalSummary {
  /** The last of them. */
  readonly last: LoggedRequest;
  /** Undefined where they came from several. */
  readonly address: string | undefined;
  /** How many they were, `last` included. */
  readonly requests: number;
}

/** Decides which refusals get an entry of their own in a log, so that a thousand of one sender do not fill it. */
export interface RefusalSampler {
  /** False: it is counted, and will be in a summary. */
  takesInFull(served: ServedRequest): boolean;
  /** Of the minutes that are over; with `atOnce`, of this one as well. */
  takeSummaries(options?: { readonly atOnce?: boolean }): readonly RefusalSummary[];
  /** Since the process started: refusals without an entry of their own. */
  readonly counted: number;
}

export interface RefusalSamplerDeps {
  readonly clock: Clock;
  readonly clientSubject: (req: ServedRequest['req']) => ClientSubject;
}

/** In a minute: of one person or address, one kind of route and one status. */
export const IN_FULL_OF_ONE = 20;
/** In a minute: of all strangers, and of all who are signed in. Apart, because strangers have as many addresses as they like. */
export const IN_FULL_OF_ALL = 300;
/** In a minute: the largest groups of each; the others are in one summary together. */
export const SUMMARIES_OF_ALL = 50;
const MOST_GROUPS = 2_000;

interface Group {
  seen: number;
  counted: number;
  last: LoggedRequest | undefined;
  readonly address: string | undefined;
}

interface Side {
  inFull: number;
  readonly groups: Map<string, Group>;
  /** Of those for whom there was no group left. */
  readonly others: Group;
}

export function createRefusalSampler({ clock, clientSubject }: RefusalSamplerDeps): RefusalSampler {
  let minute = minuteOf(clock.now());
  let sides = { strangers: newSide(), people: newSide() };
  let finished: RefusalSummary[] = [];
  let counted = 0;

  function finish(): void {
    finished.push(...summariesOf(sides.people), ...summariesOf(sides.strangers));
    // They were not taken for hours: the newest are worth the most.
    finished = finished.slice(-MOST_GROUPS);
    sides = { strangers: newSide(), people: newSide() };
  }

  function turnMinute(): void {
    const now = minuteOf(clock.now());
    if (now === minute) return;
    minute = now;
    finish();
  }

  function groupOf(side: Side, { userId, routeClass, status, req }: ServedRequest): Group {
    const { address, subject } = clientSubject(req);
    const key = `${status} ${routeClass} ${userId ?? subject}`;
    const known = side.groups.get(key);
    if (known !== undefined) return known;
    if (side.groups.size >= MOST_GROUPS) return side.others;
    const group = newGroup(address);
    side.groups.set(key, group);
    return group;
  }

  return {
    takesInFull(served) {
      if (!isRefusal(served.status)) return true;
      turnMinute();
      const side = served.userId === undefined ? sides.strangers : sides.people;
      const group = groupOf(side, served);
      group.seen += 1;
      if (group.seen <= IN_FULL_OF_ONE && side.inFull < IN_FULL_OF_ALL) {
        side.inFull += 1;
        return true;
      }
      const { req, ...last } = served;
      group.last = last;
      group.counted += 1;
      counted += 1;
      return false;
    },
    takeSummaries({ atOnce = false } = {}) {
      turnMinute();
      if (atOnce) finish();
      const taken = finished;
      finished = [];
      return taken;
    },
    get counted() {
      return counted;
    },
  };
}

const minuteOf = (instant: number): number => Math.floor(instant / MINUTE_MS);

/** 503 among them: what a server that is too busy says. Other failures are faults to mend, each one. */
const isRefusal = (status: number): boolean => (status >= 400 && status < 500) || status === 503;

const newGroup = (address: string | undefined): Group => ({ seen: 0, counted: 0, last: undefined, address });

const newSide = (): Side => ({ inFull: 0, groups: new Map(), others: newGroup(undefined) });

function summariesOf({ groups, others }: Side): readonly RefusalSummary[] {
  const largest = [...groups.values()]
    .filter(({ counted }) => counted > 0)
    .sort((a, b) => b.counted - a.counted);
  const rest = [...largest.slice(SUMMARIES_OF_ALL), others];
  const ofRest = {
    counted: rest.reduce((sum, { counted }) => sum + counted, 0),
    last: rest.find(({ last }) => last !== undefined)?.last,
    address: undefined,
  };
  return [...largest.slice(0, SUMMARIES_OF_ALL), ofRest].flatMap(({ counted, last, address }) =>
    last === undefined ? [] : [{ last, address, requests: counted }],
  );
}
