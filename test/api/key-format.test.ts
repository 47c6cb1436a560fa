import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKeyFormat, keyPrefix, looksLikeKey } from '../../src/api/key-format.ts';

const format = createKeyFormat({ peppers: ['a'.repeat(40)] });

describe('an API key', () => {
  it('reads what it issued, and names it by its public part', () => {
    const { id, key } = format.issue();
    expect(key.startsWith(keyPrefix(id))).toBe(true);
    expect(format.read(key)).toMatchObject({ id });
    expect(looksLikeKey(key)).toBe(true);
  });

  it('is one word for whoever double-clicks it, and has at least 128 random bits beside its public part', () => {
    const { id, key } = format.issue();
    expect(key).toMatch(/^\w+$/);
    const secret = key.slice(keyPrefix(id).length).length - 12;
    expect(secret * Math.log2(62)).toBeGreaterThan(128);
  });

  it('is never the same twice', () => {
    const keys = Array.from({ length: 200 }, () => format.issue());
    expect(new Set(keys.map(({ key }) => key)).size).toBe(200);
    expect(new Set(keys.map(({ id }) => id)).size).toBe(200);
  });

  it('is refused with any one character changed, taken away or put in', () => {
    const { key } = format.issue();
    const character = fc.constantFrom(...'0aZ_- \n/');
    fc.assert(
      fc.property(fc.nat(key.length - 1), character, (at, other) => {
        fc.pre(key[at] !== other);
        expect(format.read(key.slice(0, at) + other + key.slice(at + 1))).toBeUndefined();
        expect(format.read(key.slice(0, at) + key.slice(at + 1))).toBeUndefined();
        expect(format.read(key.slice(0, at) + other + key.slice(at))).toBeUndefined();
      }),
    );
  });

  it('of another installation is refused, and so is any other text', () => {
    const foreign = createKeyFormat({ peppers: ['b'.repeat(40)] });
    expect(format.read(foreign.issue().key)).toBeUndefined();
    fc.assert(fc.property(fc.string(), (text) => format.read(text) === undefined));
    expect(format.read('')).toBeUndefined();
    expect(format.read(`cfw_${'a'.repeat(100_000)}`)).toBeUndefined();
  });

  it('has a digest of its own that does not contain it', () => {
    const one = format.issue();
    const digest = format.read(one.key)?.digest ?? '';
    expect(digest).toHaveLength(43);
    expect(digest).not.toBe(format.read(format.issue().key)?.digest);
    expect(one.key).not.toContain(digest.slice(0, 12));
  });
});
