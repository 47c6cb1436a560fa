import { vi } from 'vitest';

/** Tries again until the check passes; patient enough for a machine that does other things as well. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: 10_000, interval: 20 });
}
