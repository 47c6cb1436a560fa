/** Locks that are held until the end of a transaction, as Postgres has them: by rows, and by what is agreed upon. */
export interface MemoryLocks {
  acquire(holder: object, key: string, mode: 'shared' | 'alone'): Promise<void>;
  releaseAll(holder: object): void;
}

interface Waiting {
  readonly isFree: () => boolean;
  readonly take: () => void;
}

export function createMemoryLocks(): MemoryLocks {
  const held = new Map<string, Map<object, 'shared' | 'alone'>>();
  let waiting: Waiting[] = [];

  return {
    async acquire(holder, key, mode) {
      const holders = held.get(key) ?? new Map<object, 'shared' | 'alone'>();
      held.set(key, holders);
      const isFree = () =>
        [...holders].every(([other, its]) => other === holder || (mode === 'shared' && its === 'shared'));
      const take = () => void holders.set(holder, holders.get(holder) === 'alone' ? 'alone' : mode);
      if (isFree()) return take();
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push({
        isFree,
        take: () => {
          take();
          resolve();
        },
      });
      await promise;
    },

    releaseAll(holder) {
      for (const holders of held.values()) holders.delete(holder);
      for (const each of waiting.filter(({ isFree }) => isFree())) {
        if (!each.isFree()) continue;
        waiting = waiting.filter((other) => other !== each);
        each.take();
      }
    },
  };
}
