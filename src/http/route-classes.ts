/**
 * What a path may do without a live session, in one place. Whatever is not named here is guarded: an unknown path, a
 * misspelt one, a page that somebody adds tomorrow.
 *
 * - `static`, `probe`, `api`: never look at the session, so they cost no session load. The API has keys of its own.
 * - `public`: a page for anyone; no session either.
 * - `form`: for anyone, but with a session, because its form needs a CSRF token.
 * - `callback`: where a broker sends a person back to; the route itself says what is wrong with their session.
 * - `poll`: guarded, but asked by a script and not by a person: it does not move the idle clock.
 * - `guarded`: needs a live session.
 */
export type RouteClass = 'static' | 'probe' | 'api' | 'public' | 'form' | 'callback' | 'poll' | 'guarded';

interface RouteRule {
  readonly path: string;
  /** Whether what lies below the path belongs to it as well. */
  readonly below?: true;
  readonly routeClass: RouteClass;
}

const RULES: readonly RouteRule[] = [
  { path: '/assets', below: true, routeClass: 'static' },
  { path: '/healthz', routeClass: 'probe' },
  { path: '/readyz', routeClass: 'probe' },
  { path: '/metrics', routeClass: 'probe' },
  { path: '/api', below: true, routeClass: 'api' },
  { path: '/', routeClass: 'public' },
  { path: '/csp-reports', routeClass: 'public' },
  { path: '/setup', routeClass: 'form' },
  { path: '/auth/login', below: true, routeClass: 'form' },
  { path: '/auth/session', routeClass: 'poll' },
  { path: '/symbols/progress', below: true, routeClass: 'poll' },
  { path: '/security/traffic/tail', routeClass: 'poll' },
  { path: '/security/load/live', routeClass: 'poll' },
  { path: '/security/live', routeClass: 'poll' },
  { path: '/auth/broker', below: true, routeClass: 'callback' },
  { path: '/.well-known', below: true, routeClass: 'api' },
  { path: '/sandbox', below: true, routeClass: 'api' },
  { path: '/sandbox/authorize', routeClass: 'guarded' },
];

/**
 * The class of a path as Express sees it: no query, letter case as sent, and with a slash behind it the same page. The
 * longest rule that fits decides.
 */
export function routeClassOf(path: string): RouteClass {
  const known = EXACT.get(path);
  if (known !== undefined) return known;
  for (const rule of BELOW) if (path.startsWith(rule.prefix)) return rule.routeClass;
  return 'guarded';
}

const EXACT = new Map(
  RULES.flatMap(({ path, routeClass }) =>
    [path, path === '/' ? path : `${path}/`].map((spelling) => [spelling, routeClass] as const),
  ),
);
const BELOW = RULES.filter((rule) => rule.below)
  .map((rule) => ({ prefix: `${rule.path}/`, routeClass: rule.routeClass }))
  .sort((a, b) => b.prefix.length - a.prefix.length);

/** Which classes load the session, and whether that counts as a sign of life. */
export const SESSION_USE = {
  static: 'none',
  probe: 'none',
  api: 'none',
  public: 'none',
  form: 'active',
  callback: 'active',
  poll: 'passive',
  guarded: 'active',
} as const satisfies Record<RouteClass, 'none' | 'active' | 'passive'>;

/** All of them, those first that people notice most. */
export const ROUTE_CLASSES = [
  'guarded',
  'form',
  'api',
  'poll',
  'callback',
  'public',
  'static',
  'probe',
] as const satisfies readonly RouteClass[];

export const isGuarded = (routeClass: RouteClass): boolean =>
  routeClass === 'guarded' || routeClass === 'poll';
