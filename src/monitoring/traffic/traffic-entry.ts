import type { LoggedRequest } from '../../http/refusal-sampler.ts';
import type { ServedRequest } from '../../http/request-watch.ts';
import type { RouteClass } from '../../http/route-policy.ts';

/** A request as the traffic log keeps it. */
export interface TrafficEntry {
  /** When it came, in milliseconds since the epoch. */
  readonly at: number;
  readonly requestId: string;
  readonly method: string;
  /** The route as it was declared; undefined where none answered. */
  readonly pattern: string | undefined;
  readonly path: string;
  readonly routeClass: string;
  readonly status: number;
  /** Whether the client went away before it had the answer. */
  readonly aborted: boolean;
  readonly durationMs: number;
  readonly bytes: number;
  readonly userId: string | undefined;
  /** As `ClientMark` has it; null where none is kept, and where the requests came from several. */
  readonly address: string | null;
  /** How many requests the entry stands for: more than one where refusals were counted, and this is the last of them. */
  readonly requests: number;
}

/** Fetched by browsers and scripts by themselves, by the thousand: as rows they would bury what people and programs do. */
const UNASKED: ReadonlySet<RouteClass> = new Set(['static', 'probe', 'poll']);

/** Whether a request gets a row. What was fetched unasked does only where it was refused or failed; it is counted all the same. */
export function isWorthARow({ routeClass, status }: Pick<ServedRequest, 'routeClass' | 'status'>): boolean {
  return status >= 400 || !UNASKED.has(routeClass);
}

/** Nothing of the request itself is kept: it would hold the session, the body and the headers. */
export function toTrafficEntry(served: LoggedRequest, address: string | null, requests = 1): TrafficEntry {
  const { at, requestId, method, pattern, path, routeClass, status, aborted, durationMs, bytes, userId } =
    served;
  return {
    at,
    requestId,
    method,
    pattern,
    path,
    routeClass,
    status,
    aborted,
    durationMs: Math.round(durationMs),
    bytes,
    userId,
    address,
    requests,
  };
}
