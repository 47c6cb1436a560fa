import { describe, expect, it } from 'vitest';
import { readingsOf } from '../../src/gateway/path-readings.ts';
import { findRule, type GatewayRule } from '../../src/gateway/rules.ts';

const rule = (name: string, path: string): GatewayRule => ({
  name,
  line: 1,
  host: 'tool.example',
  path,
  methods: undefined,
  who: { kind: name === 'open' ? 'public' : 'signed-in' },
  freshMinutes: undefined,
  activity: true,
});

/** `/admin` is guarded more than the rest, and `/public` less. */
const RULES = [rule('admin', '/admin'), rule('open', '/public'), rule('rest', '/')];

const decide = (path: string) => {
  const found = findRule(RULES, { method: 'GET', scheme: 'https', host: 'tool.example', path, query: '' });
  return found.kind === 'rule' ? found.rule.name : found.kind;
};

/**
 * Spellings of `/admin` with which a proxy, a gateway and a tool have been made to disagree: from the advisories of nginx,
 * Tomcat, Jetty, Spring, Envoy, Traefik, Caddy, HAProxy and from "Breaking Parser Logic" (Orange Tsai, 2018).
 */
const CONFUSING = [
  '//admin',
  '///admin/users',
  '/./admin',
  '/.//admin',
  '/x/../admin',
  '/x/y/../../admin',
  '/public/../admin',
  '/public/..//admin',
  '/public//../admin',
  '/public/./../admin',
  '/public/%2e%2e/admin',
  '/public/%2E%2E/admin',
  '/public/.%2e/admin',
  '/public/%2e./admin',
  '/public/..%2fadmin',
  '/public/..%2Fadmin',
  '/public%2f..%2fadmin',
  '/public/%2e%2e%2fadmin',
  '/public/%252e%252e/admin',
  '/public/%252e%252e%252fadmin',
  '/public/..%252fadmin',
  '/public/%25%32%65%25%32%65/admin',
  '/public/..;/admin',
  '/public/..;x=1/admin',
  '/public/.;/../admin',
  '/public;/../admin',
  '/public/..%3b/admin',
  '/public/..%3b%2fadmin',
  '/public\\..\\admin',
  '/public/..\\admin',
  '/public/..%5cadmin',
  '/public/..%5Cadmin',
  '/public%5c..%5cadmin',
  '/public/..%255cadmin',
  '/public/%c0%ae%c0%ae/admin',
  '/public/%c0%ae%c0%ae%c0%afadmin',
  '/public/..%c0%afadmin',
  '/public/..%c1%9cadmin',
  '/public/%u002e%u002e/admin',
  '/public/..%u002fadmin',
  '/public/%uff0e%uff0e/admin',
  '/public/..%ef%bc%8fadmin',
  '/public/%ef%bc%8e%ef%bc%8e/admin',
  '/public/..%00/admin',
  '/public/.\t./admin',
  '/public/.%09./admin',
  '/public/.%0d./admin',
  '/public/.%0a./admin',
  '/public/../admin/',
  '/public/../admin?',
  '/admin%00',
  '/admin%00.css',
  '/admin%3fx',
  '/admin%23x',
  '/admin#x',
  '/admin;x',
  '/admin;/users',
  '/admin.',
  '/admin./users',
  '/admin%20',
  '/admin%20/users',
  '/ADMIN',
  '/Admin/users',
  '/%61dmin',
  '/%2561dmin',
  '/ad%6din/users',
  '/a%64min;v=1/users',
  '/%2fadmin',
  '/%5cadmin',
  '/\\admin',
  '/public/%2e%2e%5c%2e%2e/admin',
  '/admin/../public',
  '/admin/%2e%2e/public',
  '/admin/..;/public',
  '/admin%2f..%2fpublic',
  '/ａdmin',
  '/ad\u00admin%00/../public',
] as const;

describe('A path that can be read in several ways', () => {
  it.each(CONFUSING)('is let through by no other rule than that of the guarded path: %s', (path) => {
    expect(['ambiguous', 'admin']).toContain(decide(path));
  });

  it.each([
    ['/', 'rest'],
    ['/admin', 'admin'],
    ['/admin/', 'admin'],
    ['/admin/users/7', 'admin'],
    ['/administrator', 'rest'],
    ['/public', 'open'],
    ['/public/app.min.js', 'open'],
    ['/publicity', 'rest'],
    ['/files/report%202026.pdf', 'rest'],
    ['/api/contents/a%2Fb.ipynb', 'rest'],
    ['/d/%E0%A4%A8/panel', 'rest'],
    ['/user/asha@example.com', 'rest'],
    ['/.well-known/x', 'rest'],
    ['/a..b/c', 'rest'],
    ['/api/datasources/proxy/1/query;x=2', 'rest'],
    ['/100%', 'rest'],
  ])('is read as honest people mean it where all ways lead to one rule: %s', (path, name) => {
    expect(decide(path)).toBe(name);
  });

  it('is refused where there are more readings than an honest path has, in little time', () => {
    const hostile = `/${Array.from({ length: 200 }, (_, index) => `%25%32%35${index}%5c..%3b/;./`).join('.%2f')}`;
    const started = performance.now();
    expect(decide(hostile)).toBe('ambiguous');
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('costs nothing where it is plain', () => {
    expect(readingsOf('/api/live/ws')).toEqual(['/api/live/ws']);
    expect(readingsOf('/a.b/c-d_e~f')).toEqual(['/a.b/c-d_e~f']);
    expect(readingsOf('/a/../b')).toContain('/b');
  });
});
