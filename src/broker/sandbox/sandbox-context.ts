import type { Clock } from '../../core/clock.ts';
import type { SandboxClient } from './sandbox-client.ts';
import type { SandboxStore } from './sandbox-store.ts';

/** Shared by the practice broker's endpoints. */
export interface SandboxContext {
  readonly store: SandboxStore;
  readonly clock: Clock;
  readonly publicOrigin: string;
  readonly client: SandboxClient;
  /** When its market trades: in the exchanges' hours, or at any hour. */
  readonly marketHours: 'market' | 'always';
}
