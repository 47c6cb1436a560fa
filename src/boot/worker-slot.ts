import cluster, { type Worker } from 'node:cluster';
import { z } from 'zod';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';

export interface WorkerPlaceDeps {
  readonly onListening: () => void;
  /** Of each worker, before it is replaced: then `close` keeps it from being. */
  readonly onEnded: (end: WorkerEnd) => void;
  readonly onReplacing: (end: WorkerEnd, pauseMs: number) => void;
}

export interface WorkerEnd {
  readonly pid: number | undefined;
  /** Whether it ever listened. */
  readonly served: boolean;
  /** Whether it ended by itself and with 0; one that never served had nothing to bring in order. */
  readonly inOrder: boolean;
  /** In words for the operator. */
  readonly reason: string;
}

/** Where one worker process runs, and after it the next. */
export interface WorkerSlot {
  /** No worker runs here: it has ended, and waits to be replaced or is not. */
  isEmpty(): boolean;
  /** Has .env read again by a worker that serves; one that still starts reads it anyway. */
  hangUp(): void;
  /** Ends the worker with this signal, and replaces it no more. */
  close(signal: NodeJS.Signals): void;
}

const FIRST_PAUSE_MS = SECOND_MS;
const LONGEST_PAUSE_MS = 30 * SECOND_MS;

/** A worker that served for so long did not fail because of its start. */
const STEADY_AFTER_MS = MINUTE_MS;

const startFailure = z.object({ couldNotStart: z.string() });

/** Starts a worker, and another one when it dies: after a second, and after longer pauses when that goes on. */
export function createWorkerSlot({ onListening, onEnded, onReplacing }: WorkerPlaceDeps): WorkerSlot {
  let running: Worker | undefined;
  let serves = false;
  let pause: NodeJS.Timeout | undefined;
  let closed = false;
  let deaths = 0;
  fill();

  function fill(): void {
    const worker = cluster.fork();
    running = worker;
    let listeningSince = Number.POSITIVE_INFINITY;
    let told: string | undefined;
    worker.on('message', (message: unknown) => {
      told = startFailure.safeParse(message).data?.couldNotStart ?? told;
    });
    worker.once('listening', () => {
      serves = true;
      listeningSince = performance.now();
      onListening();
    });
    worker.once('exit', (code: number, signal: string | null) => {
      running = undefined;
      const served = serves;
      serves = false;
      if (performance.now() - listeningSince > STEADY_AFTER_MS) deaths = 0;
      const end = {
        pid: worker.process.pid,
        served,
        inOrder: !served || code === 0,
        reason: told ?? `Curfew could not go on: a worker ended with ${signal ?? code}.`,
      };
      onEnded(end);
      if (!closed) fillLater(end);
    });
  }

  function fillLater(end: WorkerEnd): void {
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** deaths);
    deaths += 1;
    pause = setTimeout(fill, pauseMs);
    onReplacing(end, pauseMs);
  }

  return {
    isEmpty: () => running === undefined,
    hangUp() {
      if (serves) running?.process.kill('SIGHUP');
    },
    close(signal) {
      closed = true;
      clearTimeout(pause);
      running?.process.kill(signal);
    },
  };
}
