import type { Request } from 'express';
import type { Clock } from '../../core/clock.ts';
import { MINUTE_MS, SECOND_MS } from '../../core/duration.ts';
import type { RequestObserver, ServedRequest } from '../../http/request-watch.ts';
import type { RouteClass } from '../../http/route-policy.ts';
import { addCounts, type ClassLoad, type Counts, count, newCounts } from './class-load.ts';
import { createHeavyHitters, type HeavyHitters } from './heavy-hitters.ts';

/** Addresses as they are banned (of IPv6, the /64), with how many requests each sent at least. */
export type Senders = ReadonlyMap<string, number>;

/** Problems of a request. */
type Symptom = 'slow' | 'refused' | 'failed';

export interface SymptomCount {
  readonly requests: number;
  readonly senders: Senders;
}

/** One class of routes in the last five minutes. `refused`: of those that are signed in. */
export interface RecentLoad extends ClassLoad, Readonly<Record<Symptom, SymptomCount>> {
  /** Requests of people and programs that are signed in. */
  readonly signedIn: number;
}

/** Requests to this node within the last five minutes, and since it started. */
export interface LoadWindow {
  readonly observe: RequestObserver;
  /** Of the classes that were asked at all within the window. */
  recent(): ReadonlyMap<RouteClass, RecentLoad>;
  /** Since the process started. */
  total(): ReadonlyMap<RouteClass, ClassLoad>;
  /** Of all requests within the window. */
  senders(): Senders;
}

export interface LoadWindowDeps {
  readonly clock: Clock;
  /** The address of the client, as it is banned. */
  readonly subjectOf: (req: Request) => string;
  /** Answers that take longer are slow. */
  readonly slowMs: () => number;
}

const WINDOW_MS = 5 * MINUTE_MS;
const SLOT_MS = 15 * SECOND_MS;
const SLOTS = WINDOW_MS / SLOT_MS;
/** Addresses of one slot: one with 3 % of its requests is seen. */
const PLACES = 32;
/** Ended session or key, nothing there, ended broker connection: what a signed-in client meets on an ordinary day. */
const ORDINARY_REFUSALS: ReadonlySet<number> = new Set([401, 404, 409]);

interface SymptomSlot {
  requests: number;
  readonly senders: HeavyHitters;
}

interface ClassSlot extends Readonly<Record<Symptom, SymptomSlot>> {
  readonly counts: Counts;
  signedIn: number;
}

interface Slot {
  /** How many slots after the epoch it begins. */
  readonly number: number;
  readonly classes: Map<RouteClass, ClassSlot>;
  readonly senders: HeavyHitters;
}

/** Twenty slots of fifteen seconds, each taking the place of the one from five minutes before. Nothing is kept of a request. */
export function createLoadWindow({ clock, subjectOf, slowMs }: LoadWindowDeps): LoadWindow {
  const slots: Slot[] = [];
  const totals = new Map<RouteClass, Counts>();

  function currentSlot(): Slot {
    const number = Math.floor(clock.now() / SLOT_MS);
    const slot = slots[number % SLOTS];
    if (slot?.number === number) return slot;
    const fresh = { number, classes: new Map(), senders: createHeavyHitters(PLACES) };
    slots[number % SLOTS] = fresh;
    return fresh;
  }

  function liveSlots(): readonly Slot[] {
    const last = Math.floor(clock.now() / SLOT_MS);
    return slots.filter((slot) => slot !== undefined && slot.number <= last && slot.number > last - SLOTS);
  }

  return {
    observe(served) {
      const { routeClass } = served;
      const { classes, senders } = currentSlot();
      const slot = getOrAdd(classes, routeClass, newClassSlot);
      count(slot.counts, served);
      count(getOrAdd(totals, routeClass, newCounts), served);
      if (served.userId !== undefined) slot.signedIn += 1;
      const subject = subjectOf(served.req);
      senders.add(subject);
      if (!served.waited && served.durationMs > slowMs()) note(slot.slow, subject);
      if (isRefused(served)) note(slot.refused, subject);
      if (served.status >= 500) note(slot.failed, subject);
    },

    recent() {
      const bySlot = liveSlots();
      const routeClasses = new Set(bySlot.flatMap(({ classes }) => [...classes.keys()]));
      return new Map(
        [...routeClasses].map((routeClass) => [
          routeClass,
          sumSlots(bySlot.flatMap(({ classes }) => classes.get(routeClass) ?? [])),
        ]),
      );
    },

    total: () => totals,
    senders: () => sumSenders(liveSlots()),
  };
}

function isRefused({ status, userId }: ServedRequest): boolean {
  return userId !== undefined && status >= 400 && status < 500 && !ORDINARY_REFUSALS.has(status);
}

function note(symptom: SymptomSlot, subject: string): void {
  symptom.requests += 1;
  symptom.senders.add(subject);
}

function newClassSlot(): ClassSlot {
  const newSymptom = (): SymptomSlot => ({ requests: 0, senders: createHeavyHitters(PLACES) });
  return {
    counts: newCounts(),
    signedIn: 0,
    slow: newSymptom(),
    refused: newSymptom(),
    failed: newSymptom(),
  };
}

function sumSlots(slots: readonly ClassSlot[]): RecentLoad {
  const counts = newCounts();
  for (const slot of slots) addCounts(counts, slot.counts);
  const sumOf = (symptom: Symptom): SymptomCount => ({
    requests: slots.reduce((sum, slot) => sum + slot[symptom].requests, 0),
    senders: sumSenders(slots.map((slot) => slot[symptom])),
  });
  return {
    ...counts,
    signedIn: slots.reduce((sum, slot) => sum + slot.signedIn, 0),
    slow: sumOf('slow'),
    refused: sumOf('refused'),
    failed: sumOf('failed'),
  };
}

function sumSenders(slots: readonly { readonly senders: HeavyHitters }[]): Senders {
  const sums = new Map<string, number>();
  for (const { senders } of slots)
    for (const [subject, requests] of senders.entries())
      sums.set(subject, (sums.get(subject) ?? 0) + requests);
  return sums;
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const fresh = create();
  map.set(key, fresh);
  return fresh;
}
