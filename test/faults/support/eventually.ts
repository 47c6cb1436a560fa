import { setTimeout as sleep } from 'node:timers/promises';

const EVERY_MS = 50;

/** Asks until the answer is true; returns how many milliseconds that took. Throws when it takes longer than allowed. */
export async function eventually(
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
