import type { ReadinessCheck } from './probes.ts';

/** Whether this node is about to close: it then says "not ready" while it still serves. */
export interface Draining {
  begin(): void;
  readonly check: ReadinessCheck;
}

export function createDraining(): Draining {
  let closing = false;
  return {
    begin() {
      closing = true;
    },
    check: {
      name: 'open',
      check: () => (closing ? Promise.reject(new Error('This node is closing')) : Promise.resolve()),
    },
  };
}
