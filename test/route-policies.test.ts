import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../src/app.ts';
import { createRoutePolicies } from '../src/http/route-policy.ts';
import { ROUTE_POLICIES } from '../src/route-policies.ts';
import { type DeclaredRoute, listRoutes } from './support/route-list.ts';
import { startTestServer, type TestServer } from './support/test-server.ts';

/** Answered by middleware that is mounted at a path, and not by a route. */
const MOUNTED = ['/assets'];

describe('The rows of route policy', () => {
  let server: TestServer;
  let routes: readonly DeclaredRoute[];

  beforeAll(async () => {
    server = await startTestServer();
    routes = listRoutes(createApp(server.services));
  });
  afterAll(() => server.close());

  const rowOf = (path: string) =>
    ROUTE_POLICIES.find((row) => row.path === path) ??
    ROUTE_POLICIES.filter((row) => row.below && path.startsWith(`${row.path}/`)).find(
      ({ class: routeClass }) => ['api', 'form', 'gateway'].includes(routeClass ?? ''),
    );

  it('are there for each route: a route without one, or under another path, fails here', () => {
    expect(routes.length).toBeGreaterThan(80);
    expect(routes.filter(({ path }) => rowOf(path) === undefined).map(({ path }) => path)).toEqual([]);
  });

  it('lead to a route, each: a row that protects nothing fails here', () => {
    const paths = routes.map(({ path }) => path);
    const idle = ROUTE_POLICIES.filter(
      ({ path, below }) =>
        !paths.includes(path) &&
        !MOUNTED.includes(path) &&
        !(below && paths.some((each) => each.startsWith(`${path}/`))),
    );
    expect(idle).toEqual([]);
  });

  it('name each path once', () => {
    expect(new Set(ROUTE_POLICIES.map(({ path }) => path)).size).toBe(ROUTE_POLICIES.length);
  });

  it('ask for methods that their routes take', () => {
    for (const { path, reauthenticate = {}, exports, upload, alwaysOpen } of ROUTE_POLICIES) {
      const taken = routes.find((route) => route.path === path)?.methods ?? [];
      const { factor, ...asking } = reauthenticate;
      for (const method of Object.keys(asking)) expect(taken, path).toContain(method.toUpperCase());
      if (exports !== undefined) expect(taken, path).toContain('GET');
      if (upload !== undefined || alwaysOpen) expect(taken, path).toContain('POST');
    }
  });

  it('give a path its own row, also where another one has a parameter in its place', () => {
    const find = createRoutePolicies(ROUTE_POLICIES);
    const filled = (path: string) => path.replaceAll(/:\w+/g, 'x');
    for (const row of ROUTE_POLICIES) expect(find(filled(row.path)).path, row.path).toBe(row.path);
    expect(find('/users/new').path).toBe('/users/new');
    expect(find('/users/').path).toBe('/users');
    expect(find('/users//role').path).toBe('');
  });

  it('keep everything below /security to administrators, also what has no row yet', () => {
    const find = createRoutePolicies(ROUTE_POLICIES);
    for (const path of ['/security', '/security/', '/security/a/page/of/tomorrow', '/security/live'])
      expect(find(path).role, path).toBe('admin');
  });
});
