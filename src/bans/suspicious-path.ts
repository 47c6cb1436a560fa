/** Longer paths are not compared: comparing must end. */
const LONGEST_PATH = 500;
const LONGEST_PATTERN = 100;
export const MOST_PATTERNS = 200;

/** Tells whether a path, as it came, is one that only a scanner asks for. */
export type IsSuspicious = (path: string) => boolean;

/** `*` stands for any text, also for none and for slashes; large and small letters are the same. */
export function createSuspicion(patterns: readonly string[]): IsSuspicious {
  const compiled = patterns.map((pattern) => pattern.toLowerCase().split('*'));
  return (path) => {
    const asked = readable(path);
    return compiled.some((pieces) => matches(pieces, asked));
  };
}

/** The problem with a pattern, in words; undefined for a good one. */
export function whyBadPattern(pattern: string): string | undefined {
  if (pattern.length > LONGEST_PATTERN) return `is longer than ${LONGEST_PATTERN} characters`;
  if (!/^[/*]/.test(pattern)) return 'begins with neither / nor *';
  if (!/^[\x21-\x7e]+$/.test(pattern)) return 'has a space or a letter that no path has';
  const own = OWN_PATHS.find(createSuspicion([pattern]));
  return own === undefined ? undefined : `would count ${own}, which is a page of Curfew’s own`;
}

/** One of each kind: a pattern that fits one of them would ban people for using Curfew. */
const OWN_PATHS: readonly string[] = [
  '/',
  '/setup',
  '/auth/login',
  '/auth/login/totp',
  '/auth/logout',
  '/auth/reset',
  '/auth/session',
  '/auth/broker/zerodha/callback',
  '/dashboard',
  '/sessions',
  '/broker',
  '/broker/zerodha/connection',
  '/symbols',
  '/symbols/imports',
  '/settings',
  '/strategies',
  '/telegram',
  '/api-keys',
  '/profile',
  '/security',
  '/security/bans',
  '/security/bans/export.csv',
  '/security/audit',
  '/security/traffic',
  '/users',
  '/ws',
  '/authz/nginx',
  '/authz/forward',
  '/healthz',
  '/readyz',
  '/metrics',
  '/csp-reports',
  '/assets/curfew.css',
  '/assets/countdown.js',
  '/assets/curfew.svg',
  '/api',
  '/api/v1/session',
  '/api/v1/openapi.json',
  '/api/v1/webhooks/id',
  '/sandbox/authorize',
  // Paths that browsers and their owners' tools ask for by themselves.
  '/favicon.ico',
  '/robots.txt',
  '/apple-touch-icon.png',
  '/manifest.webmanifest',
  '/.well-known/security.txt',
  '/.well-known/change-password',
  '/sitemap.xml',
];

function readable(path: string): string {
  return unescaped(path.slice(0, LONGEST_PATH))
    .replaceAll('\\', '/')
    .replaceAll(/\/{2,}/g, '/')
    .toLowerCase();
}

function unescaped(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The pieces between the stars, from left to right, each as early as possible: no pattern makes this take long. */
function matches(pieces: readonly string[], path: string): boolean {
  const [first = '', ...rest] = pieces;
  const last = rest.pop();
  if (last === undefined) return path === first;
  if (!path.startsWith(first) || !path.endsWith(last)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = path.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return at <= path.length - last.length;
}
