import { describe, expect, it } from 'vitest';
import { attentionOf } from '../../../src/admin/overview/attention.ts';
import type { NowFigures } from '../../../src/admin/overview/now-figures.ts';
import { toNowView } from '../../../src/admin/overview/now-view.ts';

const AT = Date.parse('2026-11-21T12:00:00+05:30');
const QUIET: NowFigures = {
  at: AT,
  cutoff: undefined,
  live: { sessions: 123_456, people: undefined },
  brokers: [
    { name: 'Zerodha', connections: 2 },
    { name: 'Dhan', connections: 0 },
    { name: 'Upstox', connections: 1 },
  ],
  bans: 0,
  revocations: { waiting: 0, oldestOrderedAt: undefined },
  logouts: { open: 0, dead: 0 },
  messages: { open: 0, failed: 0 },
  parts: [{ name: 'database', isAnswering: true }],
  chain: { checkedAt: 0, problem: undefined },
  alerts: [],
};
const texts = (now: Partial<NowFigures>) => attentionOf({ ...QUIET, ...now }).map(({ text }) => text);
const tile = (id: string, now: Partial<NowFigures> = {}) =>
  toNowView({ ...QUIET, ...now }).tiles.find((each) => each.id === id);

describe('what needs attention', () => {
  it('is nothing where all is well, however much waits to be sent', () => {
    expect(texts({ logouts: { open: 3, dead: 0 }, messages: { open: 5, failed: 2 } })).toEqual([]);
  });

  it('is said with the worst first', () => {
    expect(
      texts({
        chain: { checkedAt: AT, problem: 'Row 7 does not fit.' },
        alerts: [{ what: 'Requests fail.', since: AT - 3_600_000 }],
        parts: [{ name: 'redis', isAnswering: false }],
        revocations: { waiting: 2, oldestOrderedAt: AT - 60_000 },
        logouts: { open: 0, dead: 1 },
      }),
    ).toEqual([
      'The audit log was tampered with. Row 7 does not fit.',
      'Requests fail. Since 11:00 IST.',
      'Redis: not healthy.',
      '2 revocations are pending.',
      '1 broker logout failed.',
    ]);
  });

  it('is no revocation that is retried within the minute', () => {
    expect(texts({ revocations: { waiting: 1, oldestOrderedAt: AT - 59_999 } })).toEqual([]);
  });

  it('says the same as long as nothing has changed', () => {
    const alerts = [{ what: 'Requests fail.', since: AT }];
    expect(texts({ alerts, at: AT + 600_000 })).toEqual(texts({ alerts }));
  });
});

describe('the figures of this moment', () => {
  it('name the brokers that somebody is connected to', () => {
    expect(tile('brokers')).toMatchObject({ value: '3', detail: 'Zerodha 2, Upstox 1' });
    expect(tile('brokers', { brokers: [] })).toMatchObject({ value: '0', detail: 'with no broker' });
  });

  it('claim no number of people that nobody has counted', () => {
    expect(tile('sessions')).toMatchObject({
      value: '1,23,456',
      detail: 'of more people than can be counted quickly',
    });
    expect(tile('sessions', { live: { sessions: 1, people: 1 } })?.detail).toBe('of 1 person');
  });

  it('say that there is no cutoff where there is none', () => {
    expect(toNowView(QUIET).cutoff).toBeUndefined();
    expect(toNowView({ ...QUIET, cutoff: AT + 90 * 60_000 }).cutoff?.left).toBe('1 h 30 min');
  });

  it('do not claim that the chain was checked before it was', () => {
    expect(tile('chain')?.value).toBe('Not verified yet');
    expect(tile('chain', { chain: { checkedAt: AT - 7_200_000, problem: undefined } })).toMatchObject({
      value: 'Verified',
      detail: '2 h ago',
    });
    expect(tile('chain', { chain: { checkedAt: AT, problem: 'Row 7.' } })).toMatchObject({
      value: 'Broken',
      isWorrying: true,
    });
  });
});
