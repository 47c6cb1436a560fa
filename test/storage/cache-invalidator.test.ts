import { describe, expect, it } from 'vitest';
import { createCutoffCalendar } from '../../src/core/cutoff.ts';
import { listenForCacheClearing } from '../../src/revocation/cache-target.ts';
import type { Bus, BusMessage } from '../../src/storage/bus.ts';
import { createCacheInvalidator } from '../../src/storage/cache-invalidator.ts';
import { type Caches, createCaches } from '../../src/storage/caches.ts';
import { createRecordingLog } from '../broker/recording-log.ts';
import { createSettableClock } from '../support/settable-clock.ts';

/** Two nodes, and the line between them: everything that one publishes the other hears at once. */
function createNodes() {
  const clock = createSettableClock('2026-11-23T10:00:00+05:30');
  const calendar = createCutoffCalendar({ clock, cutoffTime: () => 'off' });
  const hearing: ((message: BusMessage) => void)[] = [];
  const node = () => {
    const caches = createCaches({ clock, calendar });
    const bus: Bus = {
      publish: async (message) => hearing.forEach((hear) => void hear(message)),
      onMessage: (listener) => void hearing.push(listener),
      onGap: () => undefined,
      close: async () => undefined,
    };
    listenForCacheClearing(caches, bus);
    return { caches, bus };
  };
  return [node(), node()] as const;
}

const TOKEN = { token: 't', epoch: 0, issuedAt: 0, expiresAt: 0 };

function fill(caches: Caches): void {
  for (const owner of ['asha', 'ravi']) {
    caches.of.auth.set(owner, 'sandbox', TOKEN);
    caches.of.feed.set(owner, 'sandbox', TOKEN);
  }
}

describe('Forgetting what is cached of one owner', () => {
  it('empties one cache of one person, here and on the other node', async () => {
    const [here, there] = createNodes();
    for (const { caches } of [here, there]) fill(caches);
    await createCacheInvalidator({ ...here, log: createRecordingLog() })('auth', 'asha');
    for (const { caches } of [here, there]) {
      expect(caches.of.auth.get('asha', 'sandbox')).toBeUndefined();
      expect(caches.of.auth.get('ravi', 'sandbox')).toEqual(TOKEN);
      expect(caches.sizes().feed).toBe(2);
    }
  });

  it('goes on where the others cannot be told, and writes that down', async () => {
    const [{ caches }] = createNodes();
    fill(caches);
    const log = createRecordingLog();
    const bus = { publish: () => Promise.reject(new Error('away')) };
    await createCacheInvalidator({ caches, bus, log })('auth', 'asha');
    expect(caches.of.auth.get('asha', 'sandbox')).toBeUndefined();
    expect(log.lines).toEqual([expect.stringContaining('could not be told')]);
  });
});
