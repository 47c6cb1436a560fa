import type { Router } from 'express';
import type { RevocationTarget } from '../core/revocation.ts';
import type { Metric } from './metrics.ts';

/** Work that goes on without a request: started once the server listens, and stopped when it closes. */
export interface Job {
  start(): void;
  stop(): Promise<void>;
}

/** The parts of every feature. Its exports to other features stand beside these, by name. */
export interface Feature {
  /** Its pages, behind the session. */
  readonly router?: Router;
  readonly jobs?: readonly Job[];
  readonly metrics?: readonly Metric[];
  /** Removes what is long over; called once a minute. */
  readonly cleanup?: () => Promise<unknown>;
  /** The part that must end with a session. */
  readonly revocationTarget?: RevocationTarget;
}
