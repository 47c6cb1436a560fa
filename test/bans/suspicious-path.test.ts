import { describe, expect, test } from 'vitest';
import { DEFAULT_BAN_RULES } from '../../src/bans/default-ban-rules.ts';
import { createSuspicion, whyBadPattern } from '../../src/bans/suspicious-path.ts';

describe('a suspicious path', () => {
  const isSuspicious = createSuspicion(DEFAULT_BAN_RULES.suspiciousPaths);

  test.each([
    '/.env',
    '/.ENV.production',
    '/app/.env',
    '/%2eenv',
    '/.git/config',
    '/wp-login.php',
    '//wp-admin/setup.php',
    '/blog/wp-includes/x.js',
    '/index.php',
    '/a\\..\\..\\etc\\passwd',
    '/phpMyAdmin/',
    '/static/../../etc/passwd',
    '/dump.sql',
    '/cgi-bin/luci',
    '/.env%',
  ])('%s is one', (path) => {
    expect(isSuspicious(path)).toBe(true);
  });

  test.each([
    '/',
    '/dashboard',
    '/dashbord',
    '/favicon.ico',
    '/robots.txt',
    '/apple-touch-icon-precomposed.png',
    '/.well-known/acme-challenge/abc',
    '/.well-known/change-password',
    '/assets/missing.css',
    '/api/v1/sesion',
    '/api/v2/session',
    '/environment',
    '/php',
    '/symbols/NSE/SBIN',
  ])('%s is none', (path) => {
    expect(isSuspicious(path)).toBe(false);
  });

  test('a star stands for any text, in every place', () => {
    const matches = (pattern: string, path: string) => createSuspicion([pattern])(path);
    expect(matches('/a*b*c', '/a--b--c')).toBe(true);
    expect(matches('/a*b*c', '/abc')).toBe(true);
    expect(matches('/a*b*c', '/acb')).toBe(false);
    expect(matches('/a*a', '/a')).toBe(false);
    expect(matches('/exact', '/exact')).toBe(true);
    expect(matches('/exact', '/exactly')).toBe(false);
    expect(matches('/a.c', '/abc')).toBe(false);
    expect(matches('/a+(b', '/a+(b')).toBe(true);
  });

  test('no pattern and no path makes it take long', () => {
    const nasty = createSuspicion(Array.from({ length: 200 }, () => `/${'a*'.repeat(48)}b`));
    const path = `/${'a'.repeat(16_000)}`;
    nasty(path);
    const startedAt = performance.now();
    nasty(path);
    expect(performance.now() - startedAt).toBeLessThan(100);
  });
});

describe('a pattern of an administrator', () => {
  test.each(DEFAULT_BAN_RULES.suspiciousPaths)('%s, which comes with Curfew, is a good one', (pattern) => {
    expect(whyBadPattern(pattern)).toBeUndefined();
  });

  test('may not count a page of Curfew’s own, nor what browsers ask for by themselves', () => {
    for (const pattern of ['*', '/*', '/dash*', '*.css', '/api/*', '/auth/login', '*.ico', '/.well-known/*'])
      expect(whyBadPattern(pattern)).toMatch(/a page of Curfew’s own/);
  });

  test('must look like a part of a path', () => {
    expect(whyBadPattern('admin')).toBe('begins with neither / nor *');
    expect(whyBadPattern('/with space')).toMatch(/has a space/);
    expect(whyBadPattern(`/${'x'.repeat(100)}`)).toMatch(/is longer than/);
  });
});
