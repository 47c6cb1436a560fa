import 'csurf';
import type { Request, Response } from 'express';
import { formatIst, toIstIso } from '../core/ist.ts';

/** Who looks at the page, for its header. */
export interface Viewer {
  readonly username: string;
  readonly role: 'admin' | 'user';
}

/** Anything that views may not get: request input as locals would reach EJS's own options. */
export type PageData = { readonly title: string } & Readonly<Record<string, unknown>>;

/**
 * Renders `views/<view>.ejs` with the data and what every page has: `viewer`, `csrfToken`, `currentPath`,
 * `brokerBanner`, `ist(ms)` and `isoIst(ms)`. The CSRF token is made only where the request carries a session for it.
 */
export function renderPage(req: Request, res: Response, view: string, data: PageData): void {
  // Also a visitor's: a cache between would hand one visitor's form, token and cookie to the next.
  res.set('Cache-Control', 'no-store');
  res.render(view, {
    viewer: res.locals['viewer'] as Viewer | undefined,
    csrfToken: typeof req.csrfToken === 'function' ? req.csrfToken() : '',
    currentPath: req.path,
    brokerBanner: res.locals['brokerBanner'] as unknown,
    ist: formatIst,
    isoIst: toIstIso,
    ...data,
  });
}
