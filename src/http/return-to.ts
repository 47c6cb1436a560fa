import type { Request } from 'express';

const ORIGIN = 'http://curfew.invalid';

/**
 * A path on this origin to go back to after signing in, or undefined when it is anything else: `//evil`, `/\evil`,
 * `https:evil`, `javascript:…`, control characters. The sign-in pages themselves are no place to go back to.
 */
export function safeReturnTo(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > 2000) return undefined;
  // Browsers read a backslash as a slash and drop tabs and line breaks: both make `//evil` out of harmless text.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  if (!value.startsWith('/') || value.startsWith('//') || /[\\\u0000-\u001f\u007f]/.test(value))
    return undefined;
  const url = URL.parse(value, ORIGIN);
  if (url === null || url.origin !== ORIGIN || url.pathname.startsWith('//')) return undefined;
  if (url.pathname.startsWith('/auth/') || url.pathname === '/setup') return undefined;
  return url.pathname + url.search;
}

/** The page that was asked for; after a form that was not sent, the page that it stood on. */
export function placeToReturnTo(req: Request): string | undefined {
  if (req.method === 'GET' || req.method === 'HEAD') return safeReturnTo(req.originalUrl);
  const referrer = URL.parse(req.get('referer') ?? '');
  return referrer?.host === req.get('host')
    ? safeReturnTo(`${referrer?.pathname}${referrer?.search}`)
    : undefined;
}
