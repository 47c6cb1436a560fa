import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createFailedSignIns, type FailedSignIns } from '../../src/accounts/failed-sign-ins.ts';
import type { User } from '../../src/accounts/user-store.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { createRecordingAudit } from './recording-audit.ts';

const ASHA: User = {
  id: '1',
  username: 'Asha',
  email: 'asha@example.com',
  role: 'user',
  emailConfirmed: false,
  disabled: false,
  createdAt: 0,
  passwordSetAt: 0,
  lastSignInAt: undefined,
};

describe('failed sign-ins', () => {
  let clock: SettableClock;
  let audit: ReturnType<typeof createRecordingAudit>;
  let failures: FailedSignIns;
  const findByUsername = vi.fn(async (username: string) =>
    username.toLowerCase() === 'asha' ? ASHA : undefined,
  );
  beforeEach(() => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    audit = createRecordingAudit();
    failures = createFailedSignIns({ audit, users: { findByUsername }, clock });
    findByUsername.mockClear();
  });

  async function fail(times: number, username = 'asha', isKnownDevice = false) {
    for (let i = 0; i < times; i += 1)
      await failures.record(
        { username, why: 'credentials', isKnownDevice },
        { actor: 'anonymous', address: `2001:db8:0:${i.toString(16)}::1`, userAgent: 'curl/8.5.0' },
      );
  }
  const events = () => audit.recorded.map(({ event }) => event);

  it('are recorded with a row each, under the name of the account and with what the browser says of itself', async () => {
    await fail(2, 'ASHA');
    expect(events()).toEqual(
      Array(2).fill({
        type: 'login.failed',
        username: 'Asha',
        userId: '1',
        why: 'credentials',
        program: 'curl',
      }),
    );
  });

  it.each(['Monsoon-harbour-42', 'my secret pass phrase!'])(
    'do not write down %j, which no account has',
    async (username) => {
      await fail(101, username);
      await failures.flush();
      expect(JSON.stringify(audit.recorded)).not.toContain(username);
      expect(events()[0]).toMatchObject({ username: '(no such account)' });
      expect(events().at(-1)).toMatchObject({ usernames: ['(no such account)'] });
    },
  );

  it('share a row past a hundred in an hour: how many, from when to when, and a sample', async () => {
    const first = clock.now();
    await fail(100);
    await fail(1);
    clock.advance(60_000);
    await fail(1, 'kabi');
    await fail(998);
    expect(audit.recorded).toHaveLength(100);
    await failures.flush();
    await failures.flush();
    expect(audit.recorded).toHaveLength(101);
    const last = events().at(-1);
    expect(last).toMatchObject({
      type: 'login.failed_often',
      why: 'credentials',
      attempts: 1000,
      first,
      last: first + 60_000,
      usernames: ['Asha', '(no such account)'],
    });
    expect(last?.type === 'login.failed_often' && last.addresses).toHaveLength(10);
    expect(audit.recorded.at(-1)?.origin).toEqual({ actor: 'anonymous' });
    expect(findByUsername.mock.calls.length).toBeLessThanOrEqual(110);
  });

  it('of known devices keep their rows beside a flood of strangers', async () => {
    await fail(150);
    await fail(1, 'asha', true);
    expect(audit.recorded).toHaveLength(101);
  });

  it('have rows of their own again in the next hour', async () => {
    await fail(150);
    clock.advance(3_600_000);
    await fail(1);
    expect(audit.recorded).toHaveLength(101);
  });

  it('are written down when the server closes', async () => {
    await fail(150);
    failures.flushing.start();
    await fail(1);
    await failures.flushing.stop();
    const attempts = events().map((event) => (event.type === 'login.failed_often' ? event.attempts : 0));
    expect(attempts.reduce((sum, each) => sum + each)).toBe(51);
  });
});
