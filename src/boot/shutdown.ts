import { once } from 'node:events';
import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND_MS } from '../core/duration.ts';
import type { Log } from '../core/log.ts';

export interface ShutDownDeps {
  readonly server: Server;
  /** Milliseconds between saying "not ready" and refusing new connections. */
  readonly delayMs: number;
  /** Says "not ready". */
  readonly begin: () => void;
  /** Stores what is only in memory, and lets go of the stores. */
  readonly finish: () => Promise<void>;
  readonly log: Log;
}

const REQUESTS_FINISH_WITHIN_MS = 10 * SECOND_MS;
const ALL_FINISHES_WITHIN_MS = 5 * SECOND_MS;
const CLOSE_IDLE_EVERY_MS = 0.1 * SECOND_MS;

/**
 * Ends the process in order, once, however often it is told to: 0 when everything was stored. Requests get ten seconds;
 * those that hang longer are cut off. Five seconds later, the process ends with 1, with work still under way.
 */
export function createShutDown({ server, delayMs, begin, finish, log }: ShutDownDeps) {
  let closing = false;

  /** Refuses new connections, and waits for the requests in flight. What they leave open is closed as soon as it is idle. */
  async function closeServer(): Promise<void> {
    const closed = once(server, 'close');
    server.close();
    const closingIdle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS);
    const cutting = setTimeout(() => {
      log.warn({}, 'Requests that hang are cut off');
      server.closeAllConnections();
    }, REQUESTS_FINISH_WITHIN_MS);
    await closed;
    clearInterval(closingIdle);
    clearTimeout(cutting);
  }

  async function close(signal: NodeJS.Signals): Promise<void> {
    log.info({ signal }, 'Closing: not ready for new requests, those in progress are finished');
    begin();
    await sleep(delayMs);
    await closeServer();
    await finish();
    log.info({ signal }, 'Closed');
  }

  return function shutDown(signal: NodeJS.Signals): void {
    if (closing) return;
    closing = true;
    const exit = (code: number) => () => process.exit(code);
    setTimeout(exit(1), delayMs + REQUESTS_FINISH_WITHIN_MS + ALL_FINISHES_WITHIN_MS);
    // Not left to an empty event loop: a request that was cut off may wait for something that never comes.
    close(signal).then(exit(0), (err: unknown) => {
      log.error({ err }, 'Closing failed');
      process.exit(1);
    });
  };
}
