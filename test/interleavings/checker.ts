import type { RevocationScope } from '../../src/core/revocation.ts';
import type { Event, Subject } from './history.ts';

type Placed<K extends Event['kind']> = Extract<Event, { readonly kind: K }> & { readonly at: number };

interface Order {
  readonly scope: RevocationScope;
  readonly storedAt: number;
  /** Infinity where it never was, both. */
  readonly reportedAt: number;
  readonly doneAt: number;
}

/**
 * Holds a history against the promise: nothing that was begun under a session takes effect after the end of the session
 * was reported; what has ended can never be used again; and nothing ends that no revocation names. What overlapped may
 * have come in either order, and is not judged. It decides by itself whom a revocation ends, and asks no code of the server.
 */
export function findViolations(events: readonly Event[]): readonly string[] {
  const all = <K extends Event['kind']>(kind: K): readonly Placed<K>[] =>
    events.flatMap((event, at) => (isOf(event, kind) ? [{ ...event, at }] : []));
  const firstOf = (kind: 'order_reported' | 'order_done', id: string): number =>
    all(kind).find((event) => event.id === id)?.at ?? Number.POSITIVE_INFINITY;
  const orders: readonly Order[] = all('order_stored').map(({ id, scope, at }) => ({
    scope,
    storedAt: at,
    reportedAt: firstOf('order_reported', id),
    doneAt: firstOf('order_done', id),
  }));
  const connected = all('connected');

  return [
    ...all('effect').flatMap(({ subject, what, needsAdmin, at }) => {
      const wasDemoted = all('demoted').some((event) => event.userId === subject.userId && event.at < at);
      return [
        ...(endReportedAt(subject, at) < at
          ? [`${what} of ${subject.name} took effect after its end was reported`]
          : []),
        ...(needsAdmin && wasDemoted
          ? [`${what} of ${subject.name} took effect, who was no administrator any more`]
          : []),
      ];
    }),
    ...all('work_began').flatMap(({ subject, request, at }) =>
      endDoneAt(subject, at) < (all('came_in').find((event) => event.request === request)?.at ?? 0)
        ? [`a request of ${subject.name} came in after its end was reported, and was carried out`]
        : [],
    ),
    ...all('looked').flatMap(({ subject, isIn, at }) => {
      if (isIn)
        return endDoneAt(subject, at) < at ? [`${subject.name} can be used after its end was reported`] : [];
      return mayHaveEnded(subject) ? [] : [`${subject.name} was ended by nothing that names it`];
    }),
    ...all('token_found').flatMap(({ token, state }) => {
      if (state === 'ended_but_readable') return ['the ciphertext of an ended token is back'];
      const connection = connected.find((event) => event.token === token);
      if (connection === undefined) return [];
      const { subject } = connection;
      const name = `the token of ${subject.name}`;
      if (state === 'alive')
        return orders.some((order) => order.doneAt < Number.POSITIVE_INFINITY && endsToken(order, connection))
          ? [`${name} outlives its end`]
          : [];
      const stored = all('token_stored').filter(({ userId }) => userId === subject.userId);
      const wasReplaced = stored.at(-1)?.token !== token;
      const isStillIn = all('looked').some((event) => event.subject === subject && event.isIn);
      return isStillIn && !wasReplaced && !mayHaveEnded(subject)
        ? [`${name} was ended by nothing that names it`]
        : [];
    }),
    ...all('stuck').map(({ waiting }) => `${waiting.join(', ')} wait for each other`),
  ];

  /** When the end of what acts at a place in the history had been reported, in part at least; Infinity where it never was. */
  function endReportedAt(subject: Subject, at: number): number {
    const reports = orders.filter((order) => covers(order, subject, at)).map(({ reportedAt }) => reportedAt);
    const disabled = all('disabled').filter(({ userId }) => userId === subject.userId);
    return Math.min(...reports, ...disabled.map((event) => event.at));
  }

  /** The same of all that an end is made of: the session store knows of it too. */
  function endDoneAt(subject: Subject, at: number): number {
    return Math.min(...orders.filter((order) => covers(order, subject, at)).map(({ doneAt }) => doneAt));
  }

  /** Whether an order certainly ends a subject. */
  function covers(order: Order, subject: Subject, at: number): boolean {
    const { scope, storedAt } = order;
    if (scope.kind !== 'account' || subject.sid !== undefined) return names(scope, subject);
    // A webhook's account: what came in before, unless its owner has connected the broker anew since.
    const isOld = (cameInAt(subject, at) ?? at) < storedAt;
    const isOfUser = scope.userId === subject.userId;
    return isOfUser && isOld && !connected.some((event) => event.at > storedAt && event.at < at);
  }

  function cameInAt(subject: Subject, at: number): number | undefined {
    return all('came_in').findLast((event) => event.subject === subject && event.at < at)?.at;
  }

  function mayHaveEnded(subject: Subject): boolean {
    const askedAt = all('sign_in_asked').find(({ name }) => name === subject.name)?.at ?? 0;
    return (
      all('data_lost').length > 0 ||
      all('time_passed').some(({ at }) => at > askedAt) ||
      all('disabled').some(({ userId }) => userId === subject.userId) ||
      orders.some(({ scope }) => names(scope, subject))
    );
  }
}

function names(scope: RevocationScope, { userId, sid, epoch, loginTime }: Subject): boolean {
  switch (scope.kind) {
    case 'device':
      return sid !== undefined && scope.sids.includes(sid);
    case 'account':
      return scope.userId === userId && epoch <= scope.throughEpoch;
    case 'stale':
      return scope.userId === userId && loginTime < scope.before;
    case 'sweep':
      return loginTime < scope.before;
  }
}

/** One device's end leaves the token to the others, and a sweep what the broker was asked for after its instant. */
function endsToken({ scope }: Order, { subject, issuedAt }: Placed<'connected'>): boolean {
  return scope.kind !== 'device' && names(scope, { ...subject, loginTime: issuedAt });
}

function isOf<K extends Event['kind']>(event: Event, kind: K): event is Extract<Event, { readonly kind: K }> {
  return event.kind === kind;
}
