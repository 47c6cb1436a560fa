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

/** Does the same work every so often, one round at a time. Its timer keeps no process alive. */
export function createPoller({ intervalMs, work, onError }: PollerOptions): Poller {
  let started = false;
  let wanted = false;
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> | undefined;

  function arm(delayMs: number): void {
    clearTimeout(timer);
    timer = setTimeout(begin, delayMs).unref();
  }

  function begin(): void {
    wanted = false;
    round = work()
      .then(() => undefined, onError)
      .finally(() => {
        round = undefined;
        if (started) arm(wanted ? 0 : intervalMs);
      });
  }

  return {
    start() {
      if (started) return;
      started = true;
      arm(0);
    },
    wake() {
      if (!started) return;
      if (round === undefined) arm(0);
      else wanted = true;
    },
    async stop() {
      started = false;
      clearTimeout(timer);
      await round;
    },
  };
}
