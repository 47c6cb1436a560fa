import { describe, expect, it } from 'vitest';
import { createCutoffCalendar } from '../../src/core/cutoff.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/core/duration.ts';
import { createLivePolicy } from '../../src/core/session-policy.ts';
import type { DeviceSession } from '../../src/sessions/session-data.ts';
import { createSessionState } from '../../src/sessions/session-state.ts';
import { createSettableClock } from '../support/settable-clock.ts';

const NOW = Date.parse('2026-11-23T10:00:00+05:30');
const CUTOFF = Date.parse('2026-11-23T03:00:00+05:30');

describe('a person’s sessions, all devices together', () => {
  function stateOf(
    sessions: readonly { readonly loginTime: number; readonly lastSeen: number; readonly ownMs?: number }[],
    idleTimeoutMs: number | 'off' = 30 * MINUTE_MS,
  ) {
    const clock = createSettableClock(NOW);
    const cutoffTime = { hour: 3, minute: 0 };
    const devices = sessions.map(
      ({ loginTime, lastSeen }, index): DeviceSession => ({
        sid: String(index),
        deviceId: String(index),
        userId: 'asha',
        username: 'asha',
        role: 'user',
        epoch: 0,
        loginTime,
        lastSeen,
        userAgent: '',
        address: '',
      }),
    );
    const sessionState = createSessionState({
      registry: {
        listByUser: async () => devices,
        ownIdleLimit: async (sid) => sessions[Number(sid)]?.ownMs,
      },
      policy: createLivePolicy({ cutoffTime, idleTimeoutMs }),
      calendar: createCutoffCalendar({ clock, cutoffTime: () => cutoffTime }),
      clock,
    });
    return sessionState('asha');
  }

  it('are none where nobody is signed in', async () => {
    expect(await stateOf([])).toEqual({ devices: 0, signedInAt: undefined, idleEndsAt: undefined });
  });

  it('say when the latest one began, and when the last one ends unused', async () => {
    const early = { loginTime: NOW - 2 * HOUR_MS, lastSeen: NOW - 5 * MINUTE_MS };
    const late = { loginTime: NOW - HOUR_MS, lastSeen: NOW - 20 * MINUTE_MS };
    expect(await stateOf([early, late])).toEqual({
      devices: 2,
      signedInAt: late.loginTime,
      idleEndsAt: early.lastSeen + 30 * MINUTE_MS,
    });
  });

  it('count a limit of one’s own where it is the shorter one, and none where there is none', async () => {
    const session = { loginTime: NOW - HOUR_MS, lastSeen: NOW };
    const own = { ...session, ownMs: 10 * MINUTE_MS };
    expect(await stateOf([own])).toMatchObject({ idleEndsAt: NOW + 10 * MINUTE_MS });
    expect(await stateOf([own], 'off')).toMatchObject({ idleEndsAt: NOW + 10 * MINUTE_MS });
    expect(await stateOf([session], 'off')).toMatchObject({ devices: 1, idleEndsAt: undefined });
    expect(await stateOf([own], 5 * MINUTE_MS)).toMatchObject({ idleEndsAt: NOW + 5 * MINUTE_MS });
  });

  it('leave out what is over and not yet ended: from before the cutoff, or idle since this very instant', async () => {
    const ofYesterday = { loginTime: CUTOFF - 1, lastSeen: NOW };
    const atTheCutoff = { loginTime: CUTOFF, lastSeen: NOW };
    const idle = { loginTime: NOW - HOUR_MS, lastSeen: NOW - 30 * MINUTE_MS };
    expect(await stateOf([ofYesterday, idle])).toMatchObject({ devices: 0, signedInAt: undefined });
    expect(await stateOf([ofYesterday, atTheCutoff])).toMatchObject({ devices: 1, signedInAt: CUTOFF });
  });
});
