export interface Poller {
  /** Works at once and then again and again. */
  start(): void;
  /** Works soon, where started; once more when it is at work right now. */
  wake(): void;
  /** Waits for the work under way. */
  stop(): Promise<void>;
}

export interface PollerOptions {
  /** Milliseconds from the end of one round to the beginning of the next. */
  readonly intervalMs: number;
  readonly work: () => Promise<unknown>;
  readonly onError: (error: unknown) => void;
}

/**
 * Does the same work every so often, one round at a time. Its timer keeps no process alive. A round runs in the context
 * (AsyncLocalStorage) of `start`, not of the request that woke it.
 */
export function createPoller({ intervalMs, work, onError }: PollerOptions): Poller {
  let started = false;
  let wanted = false;
  let endPause: (() => void) | undefined;
  let rounds: Promise<void> | undefined;

  async function workAgainAndAgain(): Promise<void> {
    await pause(0);
    while (started) {
      wanted = false;
      try {
        await work();
      } catch (error) {
        onError(error);
      }
      if (started) await pause(wanted ? 0 : intervalMs);
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    }).then(() => {
      endPause = undefined;
    });
  }

  return {
    start() {
      if (started) return;
      started = true;
      rounds = workAgainAndAgain();
    },
    wake() {
      if (endPause === undefined) wanted = true;
      else endPause();
    },
    async stop() {
      started = false;
      endPause?.();
      await rounds;
    },
  };
}
