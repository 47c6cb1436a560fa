/** A request that waits for a person's signals. */
export interface WaitingPlace {
  /** Until it is woken, the client goes, or so many milliseconds have passed. What woke it before counts too. */
  wait(ms: number, abort: AbortSignal): Promise<void>;
  leave(): void;
}

/** All that wait on this node. */
export interface SignalPolls {
  /** Undefined when the person has as many waiting as one may have. */
  enter(userId: string): WaitingPlace | undefined;
  /** Lets them look again: one user's, or all. */
  wake(userId?: string): void;
  /** Wakes all of them, and tells them and those to come that this node is about to stop. */
  close(): void;
  readonly closing: boolean;
  readonly waiting: number;
}

export function createSignalPolls(maximumPerUser: number): SignalPolls {
  const places = new Map<string, Set<() => void>>();
  let closing = false;

  function wakeAll(): void {
    for (const wakers of places.values()) for (const wake of wakers) wake();
  }

  return {
    enter(userId) {
      const wakers = places.get(userId) ?? new Set();
      if (wakers.size >= maximumPerUser) return undefined;
      places.set(userId, wakers);

      let woken = false;
      let goOn = (): void => undefined;
      const wake = (): void => {
        woken = true;
        goOn();
      };
      wakers.add(wake);

      return {
        async wait(ms, abort) {
          if (!woken && !abort.aborted)
            await new Promise<void>((resolve) => {
              goOn = () => {
                clearTimeout(timer);
                abort.removeEventListener('abort', goOn);
                resolve();
              };
              const timer = setTimeout(goOn, Math.max(1, ms));
              abort.addEventListener('abort', goOn);
            });
          woken = false;
        },
        leave() {
          wakers.delete(wake);
          if (wakers.size === 0) places.delete(userId);
        },
      };
    },
    wake(userId) {
      if (userId === undefined) return wakeAll();
      for (const wake of places.get(userId) ?? []) wake();
    },
    close() {
      closing = true;
      wakeAll();
    },
    get closing() {
      return closing;
    },
    get waiting() {
      let count = 0;
      for (const wakers of places.values()) count += wakers.size;
      return count;
    },
  };
}
