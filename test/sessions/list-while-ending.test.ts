import { expect, it } from 'vitest';
import { batchesOf } from '../../src/core/batches.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { SESSION_RIGS } from './session-rigs.ts';
import { putSession } from './stored-sessions.ts';

const NOW = Date.parse('2026-11-23T10:00:00+05:30');
const SESSIONS = 1300;

it.each(SESSION_RIGS.flatMap(([name, open]) => [0, 1].map((apart) => [name, apart, open] as const)))(
  'the list of everybody’s sessions on %s passes over nobody while sessions end that were listed, %i ms apart',
  async (_name, apart, open) => {
    const rig = await open(createSettableClock(NOW));
    const { storage } = rig;
    const sids: string[] = [];
    // All at once would wait for connections for longer than the pool lets them.
    for (const batch of batchesOf([...Array(SESSIONS).keys()], 100)) {
      const put = batch.map((index) =>
        putSession(storage, { userId: `user-${index}`, loginTime: NOW - SESSIONS + index * apart }),
      );
      sids.push(...(await Promise.all(put)));
    }
    const listed: string[] = [];
    for await (const batch of storage.registry.listAll()) {
      listed.push(...batch.map(({ sid }) => sid));
      await storage.registry.end(
        batch.slice(0, 200).map(({ sid }) => sid),
        'ended_by_admin',
      );
    }
    expect(new Set(listed)).toEqual(new Set(sids));
    expect(listed).toHaveLength(SESSIONS);
    await rig.close();
  },
);
