import { describe, expect, it } from 'vitest';
import { createTokenCipher } from '../../src/broker/token-cipher.ts';
import { createSettableClock } from '../support/settable-clock.ts';

const NOW = '2026-11-20T09:15:00+05:30';
const OLD = Buffer.alloc(32, 1).toString('base64url');
const NEW = `${Buffer.alloc(32, 2).toString('base64url')}=`;
const clock = createSettableClock(NOW);

describe('The token cipher', () => {
  it('has a key of its own for each broker', () => {
    const cipher = createTokenCipher({ keys: [NEW], clock });
    const token = cipher.forBroker('kite').encrypt('secret');
    expect(cipher.forBroker('kite').decrypt(token)).toEqual({ kind: 'ok', text: 'secret' });
    expect(cipher.forBroker('upstox').decrypt(token)).toEqual({ kind: 'unreadable' });
  });

  it('derives the same keys at every start', () => {
    const token = createTokenCipher({ keys: [NEW], clock })
      .forBroker('kite')
      .encrypt('secret');
    const restarted = createTokenCipher({ keys: [NEW], clock });
    expect(restarted.forBroker('kite').decrypt(token)).toEqual({ kind: 'ok', text: 'secret' });
  });

  it('reads what an older key of the ring wrote', () => {
    const token = createTokenCipher({ keys: [OLD], clock })
      .forBroker('kite')
      .encrypt('secret');
    const rotated = createTokenCipher({ keys: [NEW, OLD], clock }).forBroker('kite');
    expect(rotated.decrypt(token)).toEqual({ kind: 'ok', text: 'secret' });
    expect(
      createTokenCipher({ keys: [NEW], clock })
        .forBroker('kite')
        .decrypt(token).kind,
    ).toBe('unreadable');
  });

  it('refuses a key that is none when it is made, without saying it', () => {
    expect(() => createTokenCipher({ keys: ['too-short'], clock })).toThrow(/32 bytes/);
    expect(() => createTokenCipher({ keys: ['too-short'], clock })).not.toThrow(/too-short/);
  });
});
