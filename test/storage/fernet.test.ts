import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createFernet } from '../../src/storage/fernet.ts';
import { decodeFernetKey } from '../../src/storage/fernet-key.ts';
import { createSettableClock } from '../support/settable-clock.ts';

interface Vector {
  readonly token: string;
  readonly now: string;
  readonly secret: string;
  readonly src: string;
  readonly iv: readonly number[];
  readonly ttl_sec: number;
  readonly desc: string;
}

function readVectors(name: string): readonly Vector[] {
  return JSON.parse(readFileSync(new URL(`fernet-vectors/${name}.json`, import.meta.url), 'utf8'));
}

function key(text: string): Buffer {
  const bytes = decodeFernetKey(text);
  if (bytes === undefined) throw new Error('not a key');
  return bytes;
}

const NOW = '2026-11-20T09:15:00+05:30';
const OLD = Buffer.alloc(32, 1);
const NEW = Buffer.alloc(32, 2);

describe('Fernet, held to the published vectors', () => {
  it.each(readVectors('generate'))('generates $token', ({ token, now, iv, src, secret }) => {
    const fernet = createFernet({
      keys: [key(secret)],
      clock: createSettableClock(now),
      createIv: () => Buffer.from(iv),
    });
    expect(fernet.encrypt(src)).toBe(token);
  });

  it.each(readVectors('verify'))('verifies $token', ({ token, now, src, secret, ttl_sec }) => {
    const fernet = createFernet({ keys: [key(secret)], clock: createSettableClock(now) });
    expect(fernet.decrypt(token, { ttlSeconds: ttl_sec })).toEqual({ kind: 'ok', text: src });
  });

  it.each(readVectors('invalid'))('refuses: $desc', ({ token, now, secret, ttl_sec }) => {
    const fernet = createFernet({ keys: [key(secret)], clock: createSettableClock(now) });
    expect(fernet.decrypt(token, { ttlSeconds: ttl_sec })).toEqual({ kind: 'unreadable' });
  });

  it('has the ten vectors (one to generate, one to verify, eight to refuse) and the three refusals since', () => {
    expect(['generate', 'verify', 'invalid'].map((name) => readVectors(name).length)).toEqual([1, 1, 11]);
  });
});

describe('Fernet', () => {
  it('reads what it wrote, whatever the length and the letters', () => {
    const fernet = createFernet({ keys: [NEW], clock: createSettableClock(NOW) });
    for (const text of ['', 'a', 'exactly 16 bytes', 'टोकन ₹ 🔑', 'x'.repeat(5000)])
      expect(fernet.decrypt(fernet.encrypt(text))).toEqual({ kind: 'ok', text });
  });

  it('never writes the same text the same way twice', () => {
    const fernet = createFernet({ keys: [NEW], clock: createSettableClock(NOW) });
    expect(fernet.encrypt('same')).not.toBe(fernet.encrypt('same'));
  });

  it('encrypts with the newest key and reads with all of them', () => {
    const clock = createSettableClock(NOW);
    const before = createFernet({ keys: [OLD], clock });
    const rotated = createFernet({ keys: [NEW, OLD], clock });
    expect(rotated.decrypt(before.encrypt('from before'))).toEqual({ kind: 'ok', text: 'from before' });
    expect(before.decrypt(rotated.encrypt('from now'))).toEqual({ kind: 'unreadable' });
  });

  it('takes no token with a single byte changed', () => {
    const fernet = createFernet({ keys: [NEW], clock: createSettableClock(NOW) });
    const bytes = Buffer.from(fernet.encrypt('secret'), 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const token = changed.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
      expect(fernet.decrypt(token), `byte ${at}`).toEqual({ kind: 'unreadable' });
    }
  });

  it('takes no token cut short, without its padding, or of another sort altogether', () => {
    const fernet = createFernet({ keys: [NEW], clock: createSettableClock(NOW) });
    const token = fernet.encrypt('secret');
    expect(token.endsWith('=')).toBe(true);
    for (const bad of [token.slice(0, -1), token.slice(4), `${token}\n`, '', 'null', '💥'])
      expect(fernet.decrypt(bad)).toEqual({ kind: 'unreadable' });
  });

  it('counts age to the second, and takes a clock up to a minute ahead', () => {
    const clock = createSettableClock('2026-11-20T09:15:00+05:30');
    const fernet = createFernet({ keys: [NEW], clock });
    const token = fernet.encrypt('secret');
    const readAt = (iso: string) => {
      clock.set(iso);
      return fernet.decrypt(token, { ttlSeconds: 30 }).kind;
    };
    expect(readAt('2026-11-20T09:15:30+05:30')).toBe('ok');
    expect(readAt('2026-11-20T09:15:31+05:30')).toBe('unreadable');
    expect(readAt('2026-11-20T09:14:00+05:30')).toBe('ok');
    expect(readAt('2026-11-20T09:13:59+05:30')).toBe('unreadable');
  });

  it('does not care about age where none was asked for', () => {
    const clock = createSettableClock(NOW);
    const fernet = createFernet({ keys: [NEW], clock });
    const token = fernet.encrypt('secret');
    clock.set('2036-11-20T09:15:00+05:30');
    expect(fernet.decrypt(token).kind).toBe('ok');
  });

  it('cannot be made without a key or with half of one', () => {
    expect(() => createFernet({ keys: [], clock: createSettableClock(NOW) })).toThrow(RangeError);
    expect(() => createFernet({ keys: [Buffer.alloc(16)], clock: createSettableClock(NOW) })).toThrow(
      RangeError,
    );
  });
});
