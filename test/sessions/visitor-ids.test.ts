import { beforeEach, describe, expect, it } from 'vitest';
import { newSignedInSessionId, readSessionId } from '../../src/sessions/session-id.ts';
import { createVisitorIds, type VisitorIds } from '../../src/sessions/visitor-ids.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';

const START = Date.parse('2026-11-23T10:00:00+05:30');
const LIFETIME_MS = 30 * 60_000;
const SECRET = 'b1946ac92492d2347c6235b4d2611184b1946ac9';
const NEWER = 'a591a6d40bf420404a011733cfb7b190d62c65bf';

describe('the id of a visitor', () => {
  let clock: SettableClock;
  let ids: VisitorIds;

  beforeEach(() => {
    clock = createSettableClock(START);
    ids = createVisitorIds({ secrets: [SECRET], clock });
  });

  const randomOf = (sid: string) => sid.split('.')[3] ?? '';
  /** Whether forms that were shown under one id are still good under the other. */
  const sameForms = (one: string, other: string, at = ids) => at.formSecretOf(one) === at.formSecretOf(other);

  it('has 192 random bits, other ones each time', () => {
    const parts = Array.from({ length: 2000 }, () => randomOf(ids.issue()));
    expect(new Set(parts).size).toBe(2000);
    for (const part of parts) expect(Buffer.from(part, 'base64url')).toHaveLength(24);
  });

  it('is nobody’s who is signed in', () => {
    expect(readSessionId(ids.issue())).toEqual({ kind: 'visitor' });
  });

  it('gives forms a secret of their own, which is not in it', () => {
    const [one, other] = [ids.issue(), ids.issue()];
    expect(sameForms(one, other)).toBe(false);
    expect(one).not.toContain(ids.formSecretOf(one));
    expect(Buffer.from(ids.formSecretOf(one), 'base64url')).toHaveLength(32);
  });

  it('means the same to every node with the same SESSION_SECRET, and to no other', () => {
    const sid = ids.issue();
    const node = createVisitorIds({ secrets: [SECRET], clock });
    expect(node.formSecretOf(sid)).toBe(ids.formSecretOf(sid));
    expect(node.formSecretOf(node.issue(sid))).toBe(ids.formSecretOf(sid));
    const stranger = createVisitorIds({ secrets: [NEWER], clock });
    expect(() => stranger.formSecretOf(sid)).toThrow();
    expect(randomOf(stranger.issue(sid))).not.toBe(randomOf(sid));
  });

  it('goes on for half an hour after the last form, to the millisecond', () => {
    const first = ids.issue();
    clock.advance(LIFETIME_MS - 1);
    const second = ids.issue(first);
    expect(second).not.toBe(first);
    expect(sameForms(first, second)).toBe(true);
    clock.advance(LIFETIME_MS - 1);
    expect(sameForms(first, ids.issue(second))).toBe(true);
    clock.advance(1);
    expect(sameForms(first, ids.issue(second))).toBe(false);
  });

  it('is not believed when it comes from more than two seconds ahead', () => {
    const sid = ids.issue();
    clock.advance(-2000);
    expect(sameForms(sid, ids.issue(sid))).toBe(true);
    clock.advance(-1);
    expect(sameForms(sid, ids.issue(sid))).toBe(false);
  });

  it('keeps its forms good when a new SESSION_SECRET is put in front, until the old one is taken away', () => {
    const before = ids.issue();
    const both = createVisitorIds({ secrets: [NEWER, SECRET], clock });
    expect(both.formSecretOf(before)).toBe(ids.formSecretOf(before));
    const during = both.issue(before);
    expect(sameForms(before, during, both)).toBe(true);
    const fresh = both.issue();
    const after = createVisitorIds({ secrets: [NEWER], clock });
    expect(after.formSecretOf(fresh)).toBe(both.formSecretOf(fresh));
    expect(randomOf(after.issue(during))).not.toBe(randomOf(during));
  });

  it.each([
    '',
    'v.',
    'v.x',
    `v.${'A'.repeat(32)}`,
    `v.${'A'.repeat(8)}.zzzzzzzz.${'A'.repeat(32)}`,
    '__proto__',
    newSignedInSessionId('asha', START),
  ])('begins anew where it is none that was issued here: %j', (text) => {
    expect(ids.issue(text)).toMatch(/^v\.[\w-]{8}\.[\da-z]+\.[\w-]{32}$/);
    expect(randomOf(ids.issue(text))).not.toBe(randomOf(text));
    expect(() => ids.formSecretOf(text)).toThrow('no visitor');
  });

  it.each([
    ['with a letter more', (sid: string) => `${sid}A`],
    ['with a letter less', (sid: string) => sid.slice(0, -1)],
    ['with a part more', (sid: string) => `${sid}.x`],
    ['with a line more', (sid: string) => `${sid}\n`],
    ['with a time that is none', (sid: string) => sid.replace(/\.[\da-z]+\./, '.-1.')],
  ])('begins anew %s', (_what, spoil) => {
    const sid = ids.issue();
    expect(() => ids.formSecretOf(spoil(sid))).toThrow('no visitor');
    expect(sameForms(sid, ids.issue(spoil(sid)))).toBe(false);
  });

  it('needs a secret', () => {
    expect(() => createVisitorIds({ secrets: [], clock })).toThrow('secret');
  });
});
