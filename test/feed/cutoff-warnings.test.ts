import { expect, it, vi } from 'vitest';
import { createCutoffCalendar } from '../../src/core/cutoff.ts';
import { createFeedEvents } from '../../src/feed/feed-events.ts';
import { createSocketRegistry } from '../../src/sessions/socket-registry.ts';
import { createRecordingLog } from '../broker/recording-log.ts';
import { createSettableClock } from '../support/settable-clock.ts';

it('One user whose settings cannot be read keeps nobody from the warning of the cutoff', async () => {
  const clock = createSettableClock('2026-11-24T02:00:00+05:30');
  const sockets = createSocketRegistry();
  const send = vi.fn();
  for (const userId of ['asha', 'broken', 'ravi', 'quiet'])
    sockets.add({
      owner: {
        userId,
        username: userId,
        sid: undefined,
        key: undefined,
        epoch: 0,
        loginTime: 0,
        endsAt: Number.POSITIVE_INFINITY,
      },
      isOpen: true,
      end: () => undefined,
      tend: () => undefined,
      tell: () => send(userId),
    });
  const log = createRecordingLog();
  const events = createFeedEvents({
    sockets,
    bus: { publish: async () => undefined, onMessage: () => undefined },
    calendar: createCutoffCalendar({ clock, cutoffTime: () => CUTOFF }),
    clock,
    log,
    async alertMinutesOf(userId) {
      if (userId === 'broken') throw new Error('no such row');
      return userId === 'quiet' ? 0 : 10;
    },
  });
  clock.set('2026-11-24T02:50:00+05:30');
  expect(await events.warnOfCutoff()).toBe(3);
  expect(send.mock.calls.flat()).toEqual(['asha', 'broken', 'ravi']);
  expect(log.lines.join()).toContain('could not be read');
});

const CUTOFF = { hour: 3, minute: 0 };
