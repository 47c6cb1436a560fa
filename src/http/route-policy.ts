import type { Request, RequestHandler } from 'express';
import type { BatchedLimitName } from './rate-limit-table.ts';

/**
 * Classes of paths, by their access without a live session.
 *
 * - `static`, `probe`, `api`: never look at the session, so they cost no session load. The API has keys of its own.
 * - `public`: a page for anyone; no session either.
 * - `form`: for anyone, but with a session, because its form needs a CSRF token.
 * - `callback`: where a broker sends a person back to; the route itself says what is wrong with their session.
 * - `poll`: guarded, but asked by a script and not by a person: it does not move the idle clock.
 * - `gateway`: a request for another tool, which the gateway's rules decide about.
 * - `guarded`: needs a live session.
 */
export type RouteClass =
  | 'static'
  | 'probe'
  | 'api'
  | 'public'
  | 'form'
  | 'callback'
  | 'poll'
  | 'gateway'
  | 'guarded';

/** Everything that is decided about a path before its route is reached. Each feature declares rows for its own routes. */
export interface RoutePolicy {
  /** As the router declares it: `/strategies/:id`. */
  readonly path: string;
  /** Whether what lies below the path, and has no row of its own, belongs to it as well. */
  readonly below?: true;
  /** `guarded` where none is named. */
  readonly class?: RouteClass;
  /** The session is loaded where a browser brings one, without a sign of life: a page for anyone that shows who is signed in. */
  readonly showsViewer?: true;
  /** It does not move the idle clock, whatever the class says: a tool that asks by itself, again and again. */
  readonly quiet?: true;
  /**
   * Role that is required, asked anew for each request (ASVS 8.3.2): any signed-in user where none is named; `user`: all
   * roles but viewers.
   */
  readonly role?: 'admin' | 'user';
  /** Viewers may send its forms too: their own account, and signing out. */
  readonly viewersToo?: true;
  /** Another limit than the class has; `own`: the route counts by itself. */
  readonly limit?: BatchedLimitName | 'own';
  /**
   * Methods that ask for the password again where the last time is long ago (ASVS 7.5.1, 7.5.3). A POST says what it does, for
   * the page that asks and then carries it out: `Create an API key`. `factor`: for the second factor too, where the user has one.
   */
  readonly reauthenticate?: { readonly get?: true; readonly post?: string; readonly factor?: true };
  /** Kind of data that leaves the server here, for the audit log. */
  readonly exports?: 'bans' | 'traffic';
  /**
   * It is passed on to another tool as it is: its body has no limit here, and this stands in logs in place of its path, which
   * may hold the tool's secrets.
   */
  readonly relayedAs?: string;
  /** A file that a form brings. */
  readonly upload?: { readonly mostBytes: number };
  /** Its POST is refused by no limit, no ban and no outage: signing out. */
  readonly alwaysOpen?: true;
}

declare global {
  namespace Express {
    interface Request {
      /** Set by the first middleware; read with `policyOf`. */
      routePolicy?: RoutePolicy;
    }
  }
}

/** Of an unknown path, a misspelt one, a page that is added tomorrow without a row. */
const GUARDED: RoutePolicy = { path: '' };

export const policyOf = (req: Request): RoutePolicy => req.routePolicy ?? GUARDED;

export const routeClassOf = (req: Request): RouteClass => policyOf(req).class ?? 'guarded';

/** Finds the row of a path as Express sees it: no query, letter case as sent, and with a slash behind it the same page. */
export type FindRoutePolicy = (path: string) => RoutePolicy;

/** An exact row decides before one with parameters, and that before one of what lies above; the longest of those first. */
export function createRoutePolicies(rows: readonly RoutePolicy[]): FindRoutePolicy {
  const isPattern = ({ path }: RoutePolicy): boolean => path.includes('/:');
  const exact = new Map(
    rows
      .filter((row) => !isPattern(row))
      .flatMap((row) => [row.path, `${row.path}/`].map((path) => [path === '//' ? '/' : path, row] as const)),
  );
  const patterns = rows.filter(isPattern).map((row) => ({ row, segments: row.path.split('/') }));
  const above = rows
    .filter((row) => row.below)
    .map((row) => ({ prefix: `${row.path}/`, row }))
    .toSorted((a, b) => b.prefix.length - a.prefix.length);

  return function findRoutePolicy(path) {
    const known = exact.get(path);
    if (known !== undefined) return known;
    const segments = path.replace(/(?<=[^/])\/$/, '').split('/');
    const pattern = patterns.find((each) => fits(each.segments, segments));
    return pattern?.row ?? above.find(({ prefix }) => path.startsWith(prefix))?.row ?? GUARDED;
  };
}

function fits(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, index) => (part.startsWith(':') ? segments[index] !== '' : part === segments[index]))
  );
}

/** The first middleware: all others read the row from the request. */
export function createRoutePolicyReader(find: FindRoutePolicy): RequestHandler {
  return function readRoutePolicy(req, _res, next) {
    req.routePolicy = find(req.path);
    next();
  };
}

/** Which classes load the session, and whether that counts as activity. */
export const SESSION_USE = {
  static: 'none',
  probe: 'none',
  api: 'none',
  public: 'none',
  form: 'active',
  callback: 'active',
  poll: 'passive',
  gateway: 'active',
  guarded: 'active',
} as const satisfies Record<RouteClass, 'none' | 'active' | 'passive'>;

/** All of them, those first that people notice most. */
export const ROUTE_CLASSES = [
  'guarded',
  'form',
  'api',
  'poll',
  'gateway',
  'callback',
  'public',
  'static',
  'probe',
] as const satisfies readonly RouteClass[];

export const isGuarded = (routeClass: RouteClass): boolean =>
  routeClass === 'guarded' || routeClass === 'poll';
