import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { SESSION_RIGS, type SessionRig } from './session-rigs.ts';
import { putSession } from './stored-sessions.ts';

const MINUTE_MS = 60_000;
const START = Date.parse('2026-11-23T02:00:00+05:30');

describe.each(SESSION_RIGS)('the count of live sessions on %s', (_name, open) => {
  let clock: SettableClock;
  let rig: SessionRig;

  beforeEach(async () => {
    clock = createSettableClock(START);
    rig = await open(clock);
  });
  afterEach(() => rig.close());

  const signIn = (userId: string) => putSession(rig.storage, { userId, loginTime: clock.now() });
  const count = () => rig.storage.registry.countLive();

  it('tells sessions from people', async () => {
    expect(await count()).toEqual({ sessions: 0, people: 0 });
    const first = await signIn('asha');
    await signIn('asha');
    await signIn('ravi');
    expect(await count()).toEqual({ sessions: 3, people: 2 });
    await rig.storage.registry.end([first], 'logged_out');
    expect(await count()).toEqual({ sessions: 2, people: 2 });
  });

  it('leaves out who is idle, from the very instant on', async () => {
    await signIn('asha');
    clock.advance(10 * MINUTE_MS);
    await signIn('ravi');
    clock.advance(20 * MINUTE_MS - 1);
    expect(await count()).toEqual({ sessions: 2, people: 2 });
    clock.advance(1);
    expect(await count()).toEqual({ sessions: 1, people: 1 });
  });

  it('leaves out what began before the cutoff, also before it was swept', async () => {
    clock.set('2026-11-23T02:59:59.999+05:30');
    await signIn('asha');
    clock.set('2026-11-23T03:00:00+05:30');
    await signIn('ravi');
    expect(await count()).toEqual({ sessions: 1, people: 1 });
  });
});
