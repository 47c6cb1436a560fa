import { randomUUID } from 'node:crypto';
import type { TrafficEntry } from '../../../src/monitoring/traffic/traffic-entry.ts';

/** The beginning of an hour. */
export const NOON = Date.parse('2026-11-23T12:00:00+05:30');

/** A request like any other, but for what a test says. */
export function trafficEntry(entry: Partial<TrafficEntry> = {}): TrafficEntry {
  return {
    at: NOON,
    requestId: randomUUID(),
    method: 'GET',
    pattern: '/dashboard',
    path: '/dashboard',
    routeClass: 'guarded',
    status: 200,
    aborted: false,
    durationMs: 12,
    bytes: 3456,
    userId: undefined,
    address: '198.51.100.0/24',
    requests: 1,
    ...entry,
  };
}
