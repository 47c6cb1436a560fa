import { beforeEach, describe, expect, it } from 'vitest';
import { type CutoffTime, createCutoffCalendar } from '../../src/core/cutoff.ts';
import { createLivePolicy, type LivePolicy } from '../../src/core/session-policy.ts';
import { createSessionLifetime, type SessionLifetime } from '../../src/sessions/session-lifetime.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START = Date.parse('2026-11-23T10:00:00+05:30');

describe('how long a session may live', () => {
  let clock: SettableClock;
  let policy: LivePolicy;
  let lifetime: SessionLifetime;

  beforeEach(() => {
    clock = createSettableClock(START);
    policy = createLivePolicy({ cutoffTime: { hour: 3, minute: 0 }, idleTimeoutMs: 30 * MINUTE_MS });
    const calendar = createCutoffCalendar({ clock, cutoffTime: () => policy.current().cutoffTime });
    lifetime = createSessionLifetime({ clock, calendar, policy });
  });

  function given(cutoffTime: CutoffTime, idleTimeoutMs: number | 'off'): void {
    policy.replace({ cutoffTime, idleTimeoutMs });
  }

  it('is until the idle limit after its last use', () => {
    expect(lifetime.remainingMs(START)).toBe(30 * MINUTE_MS);
    expect(lifetime.remainingMs(START - 20 * MINUTE_MS)).toBe(10 * MINUTE_MS);
    expect(lifetime.remainingMs(START - 30 * MINUTE_MS)).toBe(0);
    expect(lifetime.remainingMs(START - HOUR_MS)).toBeLessThan(0);
  });

  it('is until the next cutoff where that comes first, also at the instant of the last', () => {
    clock.set('2026-11-24T02:45:00+05:30');
    expect(lifetime.remainingMs(clock.now())).toBe(15 * MINUTE_MS);
    clock.set('2026-11-24T03:00:00+05:30');
    expect(lifetime.remainingMs(clock.now())).toBe(30 * MINUTE_MS);
    given({ hour: 3, minute: 0 }, 'off');
    expect(lifetime.remainingMs(clock.now())).toBe(DAY_MS);
  });

  it('is a month unused where nothing else ends it', () => {
    given('off', 'off');
    expect(lifetime.remainingMs(START)).toBe(30 * DAY_MS);
    expect(lifetime.idleSince()).toBe(START - 30 * DAY_MS);
  });

  it('follows the policy in force', () => {
    expect(lifetime.idleSince()).toBe(START - 30 * MINUTE_MS);
    given({ hour: 3, minute: 0 }, 5 * MINUTE_MS);
    expect(lifetime.idleSince()).toBe(START - 5 * MINUTE_MS);
    expect(lifetime.idleLimitMs()).toBe(5 * MINUTE_MS);
    expect(lifetime.remainingMs(START)).toBe(5 * MINUTE_MS);
  });
});
