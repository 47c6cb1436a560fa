import { describe, expect, it } from 'vitest';
import { newSignedInSessionId, readSessionId } from '../../src/sessions/session-id.ts';

const USER = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';

describe('the id of a session', () => {
  it('tells whose it is and since when', () => {
    const sid = newSignedInSessionId(USER, 1_795_408_200_123);
    expect(readSessionId(sid)).toEqual({ kind: 'signed_in', userId: USER, loginTime: 1_795_408_200_123 });
  });

  it('has 192 random bits, other ones each time', () => {
    const parts = Array.from({ length: 2000 }, () => newSignedInSessionId(USER, 1).split('.').at(-1));
    expect(new Set(parts).size).toBe(2000);
    for (const part of parts) expect(Buffer.from(part ?? '', 'base64url')).toHaveLength(24);
  });

  it.each(['', 's', 's.', 's.user', 'v.x', 'S.user.1.x', 'x.user.1.x', '....', '__proto__'])(
    'is a visitor’s where it is none of ours: %j',
    (text) => {
      const facts = readSessionId(text);
      if (facts.kind === 'signed_in') expect(facts.loginTime).toBeNaN();
      else expect(facts).toEqual({ kind: 'visitor' });
    },
  );
});
