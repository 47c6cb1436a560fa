import { beforeEach, describe, expect, it } from 'vitest';
import { createScopedCache, type ScopedCache } from '../../src/storage/scoped-cache.ts';

interface Value {
  readonly name: string;
}

const LIFETIME_MS = 60_000;

describe('a cache whose entries have owners', () => {
  let now: number;
  let lifetimeMs: number;
  let cache: ScopedCache<Value>;

  beforeEach(() => {
    now = 1_000_000;
    lifetimeMs = LIFETIME_MS;
    cache = create(1000);
  });

  function create(maximum: number): ScopedCache<Value> {
    return createScopedCache<Value>({ maximum, lifetimeMs: () => lifetimeMs, now: () => now });
  }

  it('gives back what was set, to the same owner and key only', () => {
    cache.set('asha', 'key', { name: 'hers' });
    cache.set('ravi', 'key', { name: 'his' });
    expect(cache.get('asha', 'key')).toEqual({ name: 'hers' });
    expect(cache.get('ravi', 'key')).toEqual({ name: 'his' });
    expect(cache.get('asha', 'other')).toBeUndefined();
    expect(cache.get('', 'ashakey')).toBeUndefined();
    expect(cache.get('as', 'hakey')).toBeUndefined();
  });

  it('clears one owner, says how many entries that were, and leaves the others', () => {
    for (let each = 0; each < 10; each += 1) cache.set('asha', `key ${each}`, { name: 'hers' });
    cache.set('ravi', 'key 1', { name: 'his' });
    expect(cache.clearOwner('asha')).toBe(10);
    expect(cache.get('asha', 'key 1')).toBeUndefined();
    expect(cache.get('ravi', 'key 1')).toEqual({ name: 'his' });
    expect(cache.size).toBe(1);
    expect(cache.clearOwner('asha')).toBe(0);
  });

  it('clears an entry that was set twice, and set again after a clearing', () => {
    cache.set('asha', 'key', { name: 'first' });
    cache.set('asha', 'key', { name: 'second' });
    expect(cache.clearOwner('asha')).toBe(1);
    cache.set('asha', 'key', { name: 'third' });
    expect(cache.clearOwner('asha')).toBe(1);
    expect(cache.get('asha', 'key')).toBeUndefined();
  });

  it('clears its only owner by being swapped, and not entry by entry', () => {
    cache.set('*', 'one', { name: 'a' });
    cache.set('*', 'two', { name: 'b' });
    expect(cache.clearOwner('*')).toBe(2);
    expect(cache.size).toBe(0);
    cache.set('*', 'one', { name: 'c' });
    expect(cache.get('*', 'one')).toEqual({ name: 'c' });
  });

  it('counts its clearings, so that whoever was reading meanwhile can tell', () => {
    const before = cache.clearings;
    cache.set('asha', 'key', { name: 'hers' });
    expect(cache.clearings).toBe(before);
    cache.clearOwner('nobody');
    const after = cache.clearings;
    expect(after).toBeGreaterThan(before);
    cache.clear();
    expect(cache.clearings).toBeGreaterThan(after);
  });

  it('clears everything, and forgets it', () => {
    cache.set('asha', 'key', { name: 'hers' });
    cache.set('ravi', 'key', { name: 'his' });
    expect(cache.clear()).toBe(2);
    expect(cache.size).toBe(0);
    expect(cache.get('asha', 'key')).toBeUndefined();
    expect(cache.clearOwner('ravi')).toBe(0);
    cache.set('asha', 'key', { name: 'new' });
    expect(cache.get('asha', 'key')).toEqual({ name: 'new' });
  });

  it('deletes one entry', () => {
    cache.set('asha', 'one', { name: '1' });
    cache.set('asha', 'two', { name: '2' });
    cache.delete('asha', 'one');
    expect(cache.get('asha', 'one')).toBeUndefined();
    expect(cache.clearOwner('asha')).toBe(1);
  });

  it('keeps an entry to the last millisecond of its lifetime, and not to the instant of its end', () => {
    cache.set('asha', 'key', { name: 'hers' });
    now += LIFETIME_MS - 1;
    expect(cache.get('asha', 'key')).toEqual({ name: 'hers' });
    now += 1;
    expect(cache.get('asha', 'key')).toBeUndefined();
  });

  it('asks for the lifetime at each set', () => {
    cache.set('asha', 'long', { name: 'long' });
    lifetimeMs = 1000;
    cache.set('asha', 'short', { name: 'short' });
    now += 1000;
    expect(cache.get('asha', 'short')).toBeUndefined();
    expect(cache.get('asha', 'long')).toEqual({ name: 'long' });
  });

  it.each([0, -5, 0.5, 1])('keeps nothing past a lifetime of %d ms', (lifetime) => {
    cache.set('asha', 'key', { name: 'old' });
    lifetimeMs = lifetime;
    cache.set('asha', 'key', { name: 'new' });
    now += 1;
    expect(cache.get('asha', 'key')).toBeUndefined();
  });

  it('holds no more than its maximum: what was used least recently goes', () => {
    cache = create(3);
    for (const key of ['a', 'b', 'c']) cache.set('asha', key, { name: key });
    cache.get('asha', 'a');
    cache.set('ravi', 'd', { name: 'd' });
    expect(cache.size).toBe(3);
    expect(cache.get('asha', 'b')).toBeUndefined();
    expect(cache.get('asha', 'a')).toEqual({ name: 'a' });
    expect(cache.clearOwner('asha')).toBe(2);
  });

  it('forgets whose entries were once those are gone, however they went', () => {
    cache = create(100);
    for (let owner = 0; owner < 10_000; owner += 1) cache.set(`owner ${owner}`, 'key', { name: 'x' });
    expect(cache.size).toBe(100);
    expect(cache.clearOwner('owner 0')).toBe(0);
    now += LIFETIME_MS;
    expect(cache.get('owner 9999', 'key')).toBeUndefined();
    expect(cache.clearOwner('owner 9999')).toBe(0);
  });
});
