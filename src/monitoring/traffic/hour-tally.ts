import { startOfIstHour } from '../../core/ist.ts';
import {
  type CountedRequest as Counted,
  type Counting,
  countRequest,
  newRequestCounts,
  type RequestCounts,
} from '../request-counts.ts';

/** Requests to one class of routes within an hour. */
export interface TrafficHour extends RequestCounts {
  /** The instant at which it begins, in milliseconds since the epoch. */
  readonly hour: number;
  readonly routeClass: string;
}

/** Facts to count of a request. */
export interface CountedRequest extends Counted {
  readonly at: number;
  readonly routeClass: string;
}

export interface HourTally {
  add(request: CountedRequest): void;
  /** Counts since the last time, ordered, so that two nodes never wait for each other's rows crosswise. */
  take(): readonly TrafficHour[];
}

/** Counts requests by hour and class of routes. Never more than a few entries for each hour, however many requests. */
export function createHourTally(): HourTally {
  let hours = new Map<string, Counting<TrafficHour>>();
  return {
    add(request) {
      const { routeClass } = request;
      const hour = startOfIstHour(request.at);
      const key = `${hour} ${routeClass}`;
      const counts = hours.get(key) ?? { hour, routeClass, ...newRequestCounts() };
      hours.set(key, counts);
      countRequest(counts, request);
    },
    take() {
      const taken = [...hours].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, counts]) => counts);
      hours = new Map();
      return taken;
    },
  };
}
