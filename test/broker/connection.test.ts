import { describe, expect, it } from 'vitest';
import { type Connection, type Moment, whyNotConnected } from '../../src/broker/connection.ts';
import { DAY_MS } from '../../src/core/duration.ts';

const CUTOFF = Date.parse('2026-11-20T03:00:00+05:30');
const MOMENT: Moment = { now: CUTOFF + 1000, lastCutoff: CUTOFF, epoch: 3 };
const CONNECTION: Connection = {
  id: 'one',
  userId: 'asha',
  broker: 'sandbox',
  accessToken: 'ciphertext',
  feedToken: undefined,
  refreshToken: undefined,
  refreshFailures: 0,
  tokenDigest: undefined,
  epoch: 3,
  issuedAt: CUTOFF,
  expiresAt: CUTOFF + DAY_MS,
  held: false,
  clientId: undefined,
  ended: undefined,
};
const judge = (changes: Partial<Connection>, moment: Partial<Moment> = {}) =>
  whyNotConnected({ ...CONNECTION, ...changes }, { ...MOMENT, ...moment });

describe('Whether a connection can be used', () => {
  it('can, from the instant of the cutoff on', () => {
    expect(judge({ issuedAt: CUTOFF })).toBeUndefined();
    expect(judge({ issuedAt: CUTOFF - 1 })).toBe('cutoff');
  });

  it('cannot from the next cutoff on, although nobody has touched the row', () => {
    const next = CUTOFF + DAY_MS;
    const moment = (now: number) => ({ now, lastCutoff: now < next ? CUTOFF : next });
    const longLived = { expiresAt: CUTOFF + 7 * DAY_MS };
    expect(judge(longLived, moment(next - 1))).toBeUndefined();
    expect(judge(longLived, moment(next))).toBe('cutoff');
  });

  it("ends at the broker's own limit where that is earlier", () => {
    expect(judge({ expiresAt: MOMENT.now + 1 })).toBeUndefined();
    expect(judge({ expiresAt: MOMENT.now })).toBe('expired_at_broker');
  });

  it('is over with its epoch, whatever the row says', () => {
    expect(judge({ epoch: 2 })).toBe('ended');
    expect(judge({ epoch: 4 })).toBeUndefined();
  });

  it('does not count when it comes from the future', () => {
    expect(judge({ issuedAt: MOMENT.now + 2000 })).toBeUndefined();
    expect(judge({ issuedAt: MOMENT.now + 2001 })).toBe('cutoff');
  });

  it('says why it was ended, before anything else', () => {
    const ended = { at: CUTOFF, reason: 'disconnected' } as const;
    expect(judge({ ended, epoch: 0, issuedAt: 0, expiresAt: 0 })).toBe('disconnected');
  });

  it('is not there where there never was one', () => {
    expect(whyNotConnected(undefined, MOMENT)).toBe('not_connected');
  });
});
