import { setTimeout as sleep } from 'node:timers/promises';
import { vi } from 'vitest';

const EVERY_MS = 20;

/** Tries again until the check passes; patient enough for a machine that does other things as well. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: 10_000, interval: EVERY_MS });
}

/** How many milliseconds it takes until the answer is true. Throws when it takes longer than allowed. */
export async function timeUntil(
  what: string,
  holds: () => Promise<boolean> | boolean,
  { withinMs }: { readonly withinMs: number },
): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    if (await holds()) return Math.round(performance.now() - startedAt);
    if (performance.now() - startedAt > withinMs) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await sleep(EVERY_MS);
  }
}
