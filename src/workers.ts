import cluster, { type Worker } from 'node:cluster';
import { SECOND_MS } from './core/duration.ts';
import type { Log } from './core/log.ts';

const REPLACE_AFTER_MS = SECOND_MS;

/**
 * Runs `count` copies of this program that share its port, and replaces one that dies. Resolves when the last one has
 * ended after a signal, which is passed on to all of them.
 */
export function runWorkers(count: number, log: Log): Promise<void> {
  let closing = false;
  for (let started = 0; started < count; started += 1) cluster.fork();

  const passOn = (signal: NodeJS.Signals): void => {
    for (const worker of running()) worker.process.kill(signal);
  };
  process.on('SIGHUP', passOn);

  return new Promise((resolve) => {
    const finishIfAlone = (): void => {
      if (closing && running().length === 0) resolve();
    };
    const close = (signal: NodeJS.Signals): void => {
      closing = true;
      passOn(signal);
      // All may have died just now and wait to be replaced.
      finishIfAlone();
    };
    process.once('SIGTERM', close);
    process.once('SIGINT', close);

    cluster.on('exit', (worker, code, signal) => {
      if (closing) return finishIfAlone();
      log.error({ worker: worker.process.pid, code, signal }, 'A worker died and is replaced');
      setTimeout(() => {
        if (!closing) cluster.fork();
      }, REPLACE_AFTER_MS);
    });
  });
}

function running(): readonly Worker[] {
  return Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
}
