import type { CutoffTime } from './cutoff.ts';
import { formatDuration } from './duration.ts';

/** Limits that end a session by themselves. They change while the server runs. */
export interface SessionPolicy {
  readonly cutoffTime: CutoffTime;
  /** Milliseconds without a request, or `off`. */
  readonly idleTimeoutMs: number | 'off';
}

/** How long a session may go unused, in ms: the server's limit or its own, whichever is shorter; Infinity without either. */
export function idleLimitMs({ idleTimeoutMs }: SessionPolicy, ownIdleMs = Number.POSITIVE_INFINITY): number {
  return Math.min(ownIdleMs, idleTimeoutMs === 'off' ? Number.POSITIVE_INFINITY : idleTimeoutMs);
}

/** The idle limit as SESSION_IDLE_TIMEOUT writes it. */
export const formatIdleTimeout = ({ idleTimeoutMs }: SessionPolicy): string =>
  idleTimeoutMs === 'off' ? 'off' : formatDuration(idleTimeoutMs);

/** The policy in force, and who wants to hear of a new one. */
export interface LivePolicy {
  current(): SessionPolicy;
  /** Puts a new policy in force and tells the listeners, unless nothing changed. */
  replace(policy: SessionPolicy): void;
  onChange(listener: (policy: SessionPolicy, previous: SessionPolicy) => void): void;
}

export function createLivePolicy(initial: SessionPolicy): LivePolicy {
  let policy = initial;
  const listeners: ((policy: SessionPolicy, previous: SessionPolicy) => void)[] = [];
  return {
    current: () => policy,
    replace(next) {
      const previous = policy;
      if (JSON.stringify(previous) === JSON.stringify(next)) return;
      policy = next;
      for (const listener of listeners) listener(next, previous);
    },
    onChange: (listener) => listeners.push(listener),
  };
}
