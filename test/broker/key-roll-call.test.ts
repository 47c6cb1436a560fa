import { describe, expect, it } from 'vitest';
import { createKeyReadinessCheck } from '../../src/broker/key-readiness-check.ts';
import { createTokenCipher } from '../../src/broker/token-cipher.ts';
import type { Bus, BusMessage } from '../../src/storage/bus.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { KEY, MORNING } from './broker-world.ts';

const NEW_KEY = Buffer.alloc(32, 9).toString('base64url');
const clock = createSettableClock(MORNING);

/** Nodes that hear each other, and not themselves. */
function createNodes(rings: readonly (readonly string[])[]) {
  const listeners: ((message: BusMessage) => void)[][] = rings.map(() => []);
  return rings.map((keys, own) => {
    const bus: Pick<Bus, 'publish' | 'onMessage'> = {
      async publish(message) {
        for (const [node, heard] of listeners.entries())
          if (node !== own) for (const listener of heard) listener(message);
      },
      onMessage: (listener) => void listeners[own]?.push(listener),
    };
    return createKeyReadinessCheck({
      bus,
      cipher: createTokenCipher({ keys, clock }),
      waitMs: 20,
    });
  });
}

describe('Asking whether servers are ready for a new key', () => {
  it('counts those that read what the asking one encrypts, and those that do not', async () => {
    const [ask] = createNodes([[NEW_KEY, KEY], [NEW_KEY, KEY], [KEY, NEW_KEY], [KEY]]);
    expect(await ask?.()).toEqual({ able: 2, unable: 1 });
  });

  it('counts nobody where nobody runs', async () => {
    const [ask] = createNodes([[NEW_KEY]]);
    expect(await ask?.()).toEqual({ able: 0, unable: 0 });
  });

  it('keeps two questions at the same moment apart', async () => {
    const [ask, askToo] = createNodes([[NEW_KEY, KEY], [KEY], [KEY]]);
    expect(await Promise.all([ask?.(), askToo?.()])).toEqual([
      { able: 0, unable: 2 },
      { able: 2, unable: 0 },
    ]);
  });
});
