import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { safeReturnTo } from '../../src/http/return-to.ts';

describe('a place to go back to', () => {
  it.each([
    ['/dashboard', '/dashboard'],
    ['/symbols?q=INFY&exchange=NSE', '/symbols?q=INFY&exchange=NSE'],
    ['/symbols?q=//evil.example', '/symbols?q=//evil.example'],
    ['/dashboard#top', '/dashboard'],
    ['/a/../dashboard', '/dashboard'],
    ['/profile?next=https%3A%2F%2Fevil.example', '/profile?next=https%3A%2F%2Fevil.example'],
    ['/%2f%2fevil.example', '/%2f%2fevil.example'],
    ['/%5cevil.example', '/%5cevil.example'],
    ['/strategies/नमस्ते', '/strategies/%E0%A4%A8%E0%A4%AE%E0%A4%B8%E0%A5%8D%E0%A4%A4%E0%A5%87'],
    ['/@evil.example', '/@evil.example'],
    ['/:80/evil', '/:80/evil'],
  ])('may be %s', (value, path) => {
    expect(safeReturnTo(value)).toBe(path);
  });

  it.each([
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/dashboard\\..\\..\\evil',
    'https:evil.example',
    'https://evil.example/dashboard',
    'http:/evil.example',
    'HTTPS://evil.example',
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'evil.example',
    '@evil.example',
    '/\tevil',
    '/\t/evil.example',
    '\t//evil.example',
    ' //evil.example',
    ' /dashboard',
    '/\n/evil.example',
    '/dashboard\r\nSet-Cookie: a=b',
    '/dashboard\u0000',
    '/dashboard\u007f',
    '/.//evil.example',
    '/..//evil.example',
    '/a/..//evil.example',
    '/%2e//evil.example',
    '/auth/login',
    '/auth/login?returnTo=/auth/login',
    '/auth/logout',
    '/x/../auth/logout',
    '/setup',
    '',
    '.',
    '?q=1',
    '#x',
    `/${'a'.repeat(2000)}`,
    undefined,
    null,
    42,
    ['/dashboard', '/dashboard'],
    { toString: () => '/dashboard' },
  ])('is never %j', (value) => {
    expect(safeReturnTo(value)).toBeUndefined();
  });

  it('leads to this origin in a browser, whatever was asked for', () => {
    const nasty = fc.array(
      fc.constantFrom(
        '/',
        '\\',
        '//',
        '.',
        '..',
        '%2f',
        '%5c',
        '@',
        ':',
        'evil.example',
        'https:',
        '\t',
        '\n',
        ' ',
        '?',
        '#',
        'a',
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(nasty, fc.boolean(), (parts, slash) => {
        const path = safeReturnTo((slash ? '/' : '') + parts.join(''));
        if (path === undefined) return;
        const target = new URL(path, 'https://curfew.example.com/auth/login');
        expect(target.origin).toBe('https://curfew.example.com');
        expect(path).toMatch(/^\/(?!\/)[\x21-\x7e]*$/);
      }),
      { numRuns: 5000 },
    );
  });

  it('is itself a place to go back to', () => {
    fc.assert(
      fc.property(fc.webPath(), fc.webQueryParameters(), (path, query) => {
        const once = safeReturnTo(`${path}?${query}`);
        if (once !== undefined) expect(safeReturnTo(once)).toBe(once);
      }),
    );
  });
});
