import type { ReadinessCheck } from './probes.ts';

/** Whether this node is about to close: it then says "not ready" while it still serves. */
export interface Draining {
  begin(): void;
  /** For what would keep this node waiting. */
  onBegin(listener: () => void): void;
  readonly check: ReadinessCheck;
}

export function createDraining(): Draining {
  let closing = false;
  const listeners: (() => void)[] = [];
  return {
    begin() {
      closing = true;
      for (const listener of listeners) listener();
    },
    onBegin: (listener) => {
      listeners.push(listener);
    },
    check: {
      name: 'open',
      check: () => (closing ? Promise.reject(new Error('This node is closing')) : Promise.resolve()),
    },
  };
}
