import { describe, expect, it } from 'vitest';
import { readingsOf } from '../../src/gateway/path-readings.ts';
import { findRule, type GatewayRule } from '../../src/gateway/rules.ts';
import { CONFUSING_PATHS } from './confusing-paths.ts';

const rule = (name: string, path: string): GatewayRule => ({
  name,
  line: 1,
  host: 'tool.example',
  path,
  methods: undefined,
  who: { kind: name === 'open' ? 'public' : 'signed-in' },
  freshMinutes: undefined,
  activity: true,
  upstream: undefined,
});

/** `/admin` is guarded more than the rest, and `/public` less. */
const RULES = [rule('admin', '/admin'), rule('open', '/public'), rule('rest', '/')];

const decide = (path: string) => {
  const found = findRule(RULES, { method: 'GET', scheme: 'https', host: 'tool.example', path, query: '' });
  return found.kind === 'rule' ? found.rule.name : found.kind;
};

describe('A path that can be read in several ways', () => {
  it.each(CONFUSING_PATHS)('is let through by no other rule than that of the guarded path: %s', (path) => {
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
