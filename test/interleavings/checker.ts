import type { RevocationScope } from '../../src/core/revocation.ts';
import type { Event, Subject } from './history.ts';

export type Rule =
  | 'acts_after_its_end'
  | 'begins_after_its_end'
  | 'acts_without_its_role'
  | 'usable_after_its_end'
  | 'nothing_else_ends'
  | 'token_without_session'
  | 'token_outlives_its_end'
  | 'stuck';

export interface Violation {
  readonly rule: Rule;
  readonly sentence: string;
}

interface Order {
  readonly askedAt: number;
  readonly storedAt: number;
  readonly doneAt: number;
  readonly scope: RevocationScope;
}

type Placed<K extends Event['kind']> = Extract<Event, { readonly kind: K }> & { readonly at: number };

/**
 * Holds a history against the promise: nothing that was begun under a session takes effect after the end of the session was
 * reported; what has ended can never be used again; and nothing ends that no revocation names. What overlapped may have come
 * in either order, and is not judged. It decides by itself whom a revocation ends, and asks no code of the server.
 */
export function findViolations(events: readonly Event[]): readonly Violation[] {
  const all = <K extends Event['kind']>(kind: K): readonly Placed<K>[] =>
    events.flatMap((event, at) => (isOf(event, kind) ? [{ ...event, at }] : []));
  const orders = readOrders(all('order_asked'), all('order_stored'), all('order_done'));
  const signIns = all('signed_in');
  const signedInAt = (subject: Subject): number =>
    signIns.find((event) => event.subject === subject)?.at ?? -1;
  const violations: Violation[] = [];
  const say = (rule: Rule, sentence: string): void => void violations.push({ rule, sentence });

  /** When the end of a subject, which began at a place in the history, had been reported; Infinity where it never was. */
  function endReportedAt(subject: Subject, beganAt: number): number {
    const covering = orders.filter((order) => covers(order, subject, beganAt));
    const disabled = all('disabled').filter(({ userId, at }) => userId === subject.userId && at > beganAt);
    return Math.min(...covering.map(({ doneAt }) => doneAt), ...disabled.map(({ at }) => at));
  }

  for (const { subject, what, needsAdmin, at } of all('effect')) {
    const endedAt = endReportedAt(subject, beganAt(subject, at));
    if (endedAt < at) say('acts_after_its_end', `${what} of ${subject.name} took effect after its end was reported`);
    const demoted = all('demoted').some((event) => event.userId === subject.userId && event.at < at);
    if (needsAdmin && demoted) say('acts_without_its_role', `${what} of ${subject.name}, no administrator any more`);
  }

  for (const { subject, request, at } of all('work_began')) {
    const cameIn = all('came_in').findLast((event) => event.request === request && event.at < at);
    if (cameIn !== undefined && endReportedAt(subject, signedInAt(subject)) < cameIn.at)
      say('begins_after_its_end', `${request} of ${subject.name} came in after its end was reported, and was carried out`);
  }

  for (const { subject, outcome, at } of all('looked')) {
    const began = signedInAt(subject);
    if (outcome === 'in' && endReportedAt(subject, began) < at)
      say('usable_after_its_end', `${subject.name} can still be used`);
    if (outcome === 'out' && !mayHaveEnded(subject, began))
      say('nothing_else_ends', `${subject.name} was ended by nothing that names it`);
  }

  for (const { subject, id, sessionWasThere, at } of all('token_kept')) {
    if (!sessionWasThere) say('token_without_session', `a token was kept for ${subject.name}, which was gone`);
    const life = all('token_lives').find((event) => event.id === id);
    if (life === undefined && !orders.some((order) => order.storedAt > signedInAt(subject) && mayEndTokens(order, subject)))
      say('nothing_else_ends', `the token of ${subject.name} was ended by nothing that names it`);
    const ending = orders.some(
      (order) => order.scope.kind !== 'device' && order.askedAt > at && Number.isFinite(order.doneAt) && mayEndTokens(order, subject),
    );
    if (life !== undefined && ending) say('token_outlives_its_end', `the token of ${subject.name} lives on`);
  }
  for (const { id, wiped } of all('token_lives'))
    if (wiped) say('token_outlives_its_end', `the ciphertext of the ended token ${id} is back`);

  for (const { waiting } of all('stuck')) say('stuck', `${waiting.join(', ')} wait for each other`);
  return violations;

  /** Programs begin when their message comes in; a session with its sign-in. */
  function beganAt(subject: Subject, at: number): number {
    if (subject.sid !== undefined) return signedInAt(subject);
    return all('came_in').findLast((event) => event.subject === subject && event.at < at)?.at ?? -1;
  }

  function mayHaveEnded(subject: Subject, began: number): boolean {
    if (all('time_passed').some(({ at }) => at > began) || all('data_lost').length > 0) return true;
    if (all('disabled').some(({ userId }) => userId === subject.userId)) return true;
    const askedAt = all('sign_in_asked').find(({ name }) => name === subject.name)?.at ?? -1;
    return orders.some(({ scope, storedAt }) => {
      switch (scope.kind) {
        case 'device':
          return subject.sid !== undefined && scope.sids.includes(subject.sid);
        case 'account':
          return scope.userId === subject.userId && storedAt > askedAt;
        case 'stale':
          return scope.userId === subject.userId && subject.loginTime < scope.before;
        case 'sweep':
          return subject.loginTime < scope.before;
      }
    });
  }
}

function isOf<K extends Event['kind']>(event: Event, kind: K): event is Extract<Event, { readonly kind: K }> {
  return event.kind === kind;
}

function readOrders(
  asked: readonly Placed<'order_asked'>[],
  stored: readonly Placed<'order_stored'>[],
  done: readonly Placed<'order_done'>[],
): readonly Order[] {
  return stored.map(({ ask, id, scope, at }) => ({
    askedAt: asked.find((event) => event.ask === ask)?.at ?? at,
    storedAt: at,
    doneAt: done.find((event) => event.id === id)?.at ?? Number.POSITIVE_INFINITY,
    scope,
  }));
}

/** Whether an order certainly ends what began at a place in the history. */
function covers({ scope, askedAt }: Order, subject: Subject, beganAt: number): boolean {
  switch (scope.kind) {
    case 'device':
      return subject.sid !== undefined && scope.sids.includes(subject.sid);
    case 'account':
      return scope.userId === subject.userId && (beganAt < askedAt || subject.epoch <= scope.throughEpoch);
    case 'stale':
      return scope.userId === subject.userId && subject.loginTime < scope.before;
    case 'sweep':
      return subject.loginTime < scope.before;
  }
}

/** One device's end leaves the token to the others. */
function mayEndTokens({ scope }: Order, subject: Subject): boolean {
  switch (scope.kind) {
    case 'device':
      return false;
    case 'account':
      return scope.userId === subject.userId;
    case 'stale':
      return scope.userId === subject.userId && subject.loginTime < scope.before;
    case 'sweep':
      return subject.loginTime < scope.before;
  }
}
