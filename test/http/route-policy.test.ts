import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRoutePolicies, isGuarded, type RouteClass, SESSION_USE } from '../../src/http/route-policy.ts';
import { ROUTE_POLICIES } from '../../src/route-policies.ts';

const find = createRoutePolicies(ROUTE_POLICIES);
const routeClassOf = (path: string): RouteClass => find(path).class ?? 'guarded';

describe('the class of a path', () => {
  it.each<[string, RouteClass]>([
    ['/', 'public'],
    ['/csp-reports', 'public'],
    ['/assets/curfew.css', 'static'],
    ['/assets', 'static'],
    ['/healthz', 'probe'],
    ['/readyz', 'probe'],
    ['/api', 'api'],
    ['/api/v1/session', 'api'],
    ['/setup', 'form'],
    ['/auth/login', 'form'],
    ['/auth/login/totp', 'form'],
    ['/auth/broker/sandbox/callback', 'callback'],
    ['/auth/session', 'poll'],
    ['/security/live', 'poll'],
    ['/security/live/more', 'guarded'],
    ['/security/traffic/tail', 'poll'],
    ['/security/traffic', 'guarded'],
    ['/sandbox/token', 'api'],
    ['/sandbox/authorize', 'guarded'],
    ['/dashboard', 'guarded'],
    ['/broker', 'guarded'],
    ['/sessions', 'guarded'],
    ['/sessions/abc/revocation', 'guarded'],
    ['/auth/logout', 'guarded'],
    ['/auth', 'guarded'],
    ['/security', 'guarded'],
  ])('%s is %s', (path, routeClass) => {
    expect(routeClassOf(path)).toBe(routeClass);
  });

  it.each([
    '/a-page-that-somebody-adds-tomorrow',
    '/API/v1/session',
    '/Api',
    '/apis',
    '/api-keys',
    '/assetsx',
    '/ASSETS/curfew.css',
    '/healthz/x',
    '/healthzz',
    '//',
    '//dashboard',
    '//assets/curfew.css',
    '/./assets/curfew.css',
    '/Auth/Login',
    '/auth/loginx',
    '/auth/brokers',
    '/setup/x',
    '/%61pi/v1',
    '/api%2Fv1',
    '',
    'assets/x',
    '*',
    '/.git/config',
    '/__proto__',
    '/constructor',
  ])('%j, which no rule names, is guarded', (path) => {
    expect(routeClassOf(path)).toBe('guarded');
  });

  it('is guarded for anything that does not begin with what is named', () => {
    const named = [
      '/assets',
      '/healthz',
      '/readyz',
      '/api',
      '/setup',
      '/auth/',
      '/.well-known',
      '/sandbox',
      '/csp-reports',
    ];
    fc.assert(
      fc.property(fc.webPath(), (path) => {
        if (path === '/' || named.some((prefix) => path.startsWith(prefix))) return;
        expect(routeClassOf(path)).toBe('guarded');
      }),
    );
  });

  it('is the same with a slash behind it: Express takes both for one page', () => {
    const paths = [
      '/sandbox/authorize',
      '/auth/session',
      '/setup',
      '/auth/login',
      '/dashboard',
      '/api',
      '/healthz',
    ];
    for (const path of paths) expect(routeClassOf(`${path}/`), path).toBe(routeClassOf(path));
    expect(routeClassOf('/sandbox/authorize/')).toBe('guarded');
  });

  it('says which paths load the session: none that a crowd without one asks for', () => {
    expect(SESSION_USE).toEqual({
      static: 'none',
      probe: 'none',
      api: 'none',
      public: 'none',
      form: 'active',
      callback: 'active',
      poll: 'passive',
      gateway: 'active',
      guarded: 'active',
    });
    expect(isGuarded('guarded')).toBe(true);
    expect(isGuarded('poll')).toBe(true);
    for (const open of ['static', 'probe', 'api', 'public', 'form', 'callback'] as const)
      expect(isGuarded(open)).toBe(false);
  });
});
