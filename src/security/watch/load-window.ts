import type { Request } from 'express';
import type { Clock } from '../../core/clock.ts';
import { MINUTE_MS, SECOND_MS } from '../../core/duration.ts';
import type { RequestObserver } from '../../http/request-watch.ts';
import type { RouteClass } from '../../http/route-policy.ts';
import { addCounts, type ClassLoad, type Counts, count, newCounts } from './class-load.ts';
import { createHeavyHitters, type HeavyHitters } from './heavy-hitters.ts';

/** Who asked most, with how often at least. The address as it is banned: of IPv6, its /64. */
export interface BusySubject {
  readonly subject: string;
  readonly requests: number;
}

/** What this node was asked within the last five minutes, and since it started. */
export interface LoadWindow {
  readonly observe: RequestObserver;
  /** Of the classes that were asked at all within the window. */
  recent(): ReadonlyMap<RouteClass, ClassLoad>;
  /** Since the process started. */
  total(): ReadonlyMap<RouteClass, ClassLoad>;
  /** Within the window; of one class or of all, and of all requests or of those that were refused or failed. */
  busiest(
    of: { readonly routeClass?: RouteClass; readonly only?: 'errors' },
    most: number,
  ): readonly BusySubject[];
}

export interface LoadWindowDeps {
  readonly clock: Clock;
  /** The address of the client, as it is banned. */
  readonly subjectOf: (req: Request) => string;
}

export const WINDOW_MS = 5 * MINUTE_MS;
const SLOT_MS = 15 * SECOND_MS;
const SLOTS = WINDOW_MS / SLOT_MS;
/** Addresses of one slot and class: who makes up 3 % of its requests is seen. */
const PLACES = 32;

interface ClassSlot {
  readonly counts: Counts;
  readonly all: HeavyHitters;
  readonly errors: HeavyHitters;
}

interface Slot {
  /** How many slots after the epoch it begins. */
  readonly number: number;
  readonly classes: Map<RouteClass, ClassSlot>;
}

/** Twenty slots of fifteen seconds, each taking the place of the one from five minutes before. Nothing is kept of a request. */
export function createLoadWindow({ clock, subjectOf }: LoadWindowDeps): LoadWindow {
  const slots: Slot[] = [];
  const totals = new Map<RouteClass, Counts>();

  function currentSlot(): Slot {
    const number = Math.floor(clock.now() / SLOT_MS);
    const slot = slots[number % SLOTS];
    if (slot?.number === number) return slot;
    const fresh = { number, classes: new Map() };
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
      const { classes } = currentSlot();
      const known = classes.get(routeClass);
      const slot = known ?? newClassSlot();
      if (known === undefined) classes.set(routeClass, slot);
      count(slot.counts, served);
      count(countsOf(totals, routeClass), served);
      const subject = subjectOf(served.req);
      slot.all.add(subject);
      if (served.status >= 400) slot.errors.add(subject);
    },

    recent() {
      const sums = new Map<RouteClass, Counts>();
      for (const { classes } of liveSlots())
        for (const [routeClass, { counts }] of classes) addCounts(countsOf(sums, routeClass), counts);
      return sums;
    },

    total: () => totals,

    busiest({ routeClass, only }, most) {
      const sums = new Map<string, number>();
      for (const { classes } of liveSlots()) {
        for (const [slotClass, slot] of classes) {
          if (routeClass !== undefined && routeClass !== slotClass) continue;
          for (const [subject, requests] of slot[only ?? 'all'].entries())
            sums.set(subject, (sums.get(subject) ?? 0) + requests);
        }
      }
      return [...sums]
        .map(([subject, requests]) => ({ subject, requests }))
        .sort((a, b) => b.requests - a.requests)
        .slice(0, most);
    },
  };
}

function newClassSlot(): ClassSlot {
  return { counts: newCounts(), all: createHeavyHitters(PLACES), errors: createHeavyHitters(PLACES) };
}

function countsOf(map: Map<RouteClass, Counts>, routeClass: RouteClass): Counts {
  const known = map.get(routeClass);
  if (known !== undefined) return known;
  const fresh = newCounts();
  map.set(routeClass, fresh);
  return fresh;
}
