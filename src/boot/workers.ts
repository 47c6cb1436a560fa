import type { Log } from '../core/log.ts';
import { createWorkerSlot } from './worker-slot.ts';

/** How it went with all of them. */
export type WorkersEnd =
  /** Told to close; `inOrder` when every worker ended with 0. */
  | { readonly kind: 'closed'; readonly inOrder: boolean }
  /** None of them ever listened: why the first that ended did not, in words for the operator. */
  | { readonly kind: 'gave_up'; readonly reason: string };

/**
 * Runs `count` copies of this program that share its port, and replaces one that dies. Only where none has ever listened
 * the whole is given up: what is wrong then does not mend itself. Resolves when the last one has ended after that, or
 * after a signal, which is passed on to all of them.
 */
export function runWorkers(count: number, log: Log): Promise<WorkersEnd> {
  let everListened = false;
  let closing = false;
  let said: string | undefined;
  let end: WorkersEnd = { kind: 'closed', inOrder: true };

  return new Promise((resolve) => {
    const places = Array.from({ length: count }, () =>
      createWorkerSlot({
        onListening() {
          everListened = true;
          said = undefined;
        },
        onReplacing({ pid, served, reason }, pauseMs) {
          // The reason that keeps workers from starting is logged once, and not for each worker and each try.
          if (!served && reason === said) return;
          if (!served) said = reason;
          log.error({ worker: pid, reason, pauseMs }, 'A worker died and is replaced');
        },
        onEnded({ inOrder, reason }) {
          if (closing) {
            if (!inOrder && end.kind === 'closed') end = { kind: 'closed', inOrder: false };
          } else if (!everListened) {
            end = { kind: 'gave_up', reason };
            close('SIGTERM');
          }
          finishIfAlone();
        },
      }),
    );

    function close(signal: NodeJS.Signals): void {
      closing = true;
      for (const place of places) place.close(signal);
      // All may have died just now and wait to be replaced.
      finishIfAlone();
    }

    function finishIfAlone(): void {
      if (closing && places.every((place) => place.isEmpty())) resolve(end);
    }

    process.on('SIGTERM', close);
    process.on('SIGINT', close);
    process.on('SIGHUP', () => {
      for (const place of places) place.hangUp();
    });
  });
}

/** From a worker that could not start, to the primary process, which shows it once for all of them. */
export function tellPrimary(reason: string): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) return resolve();
    process.send({ couldNotStart: reason }, undefined, undefined, () => resolve());
  });
}
