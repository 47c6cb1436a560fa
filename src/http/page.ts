import 'csurf';
import type { Application, Request, Response } from 'express';
import type { Clock } from '../core/clock.ts';
import { type DateFormat, formatIst, formatRelative, formatShort, toIstIso } from '../core/ist.ts';
import type { Role } from '../core/role.ts';
import { DEFAULT_SETTINGS, type Theme } from '../core/user-settings.ts';
import { policyOf } from './route-policy.ts';
import { readThemeCookie } from './theme-cookie.ts';

/** The reader of a page, for its header. */
export interface Viewer {
  readonly username: string;
  readonly role: Role;
}

/** How a person wants pages to be. */
export interface Appearance {
  readonly theme: Theme;
  readonly dateFormat: DateFormat;
  /** Minutes before the cutoff from which on pages warn; 0 for never. */
  readonly alertMinutes: number;
  /** The next one, in ms since the epoch, where a session of this person ends then. */
  readonly cutoff?: number | undefined;
  /** The cutoff, in ms since the epoch, where that is now. */
  readonly nearCutoff?: number | undefined;
}

/** For what is rendered in answer to this request. */
export function setAppearance(res: Response, look: Appearance): void {
  res.locals['look'] = look;
}

const PAGE_CLOCK = 'page clock';

/** The clock that pages count relative times from. */
export function setPageClock(app: Application, clock: Clock): void {
  app.set(PAGE_CLOCK, clock);
}

/** Anything that views may not get: request input as locals would reach EJS's own options. */
export type PageData = { readonly title: string } & Readonly<Record<string, unknown>>;

/**
 * Renders `views/<view>.ejs` with the data and what every page has: `viewer`, `csrfToken`, `currentPath`,
 * `viewOnly`, `brokerBanner`, `look`, `ist(ms)`, `isoIst(ms)`, and as markup (`<%- time(at) %>`) `time(ms)`: `4 min ago`, and `timeAt(ms)`: `09:15`. The CSRF token is made only where the request carries a session for it.
 */
export function renderPage(req: Request, res: Response, view: string, data: PageData): void {
  // Also a visitor's: a cache between would hand one visitor's form, token and cookie to the next.
  res.set('Cache-Control', 'no-store');
  const look = lookOf(req, res);
  leadAwayAtCutoff(req, res, look.cutoff);
  const locals = {
    viewer: res.locals['viewer'] as Viewer | undefined,
    csrfToken: typeof req.csrfToken === 'function' ? req.csrfToken() : '',
    currentPath: req.path,
    viewOnly: isViewOnly(req, res),
    brokerBanner: res.locals['brokerBanner'] as unknown,
    look,
    ist: (instant: number) => formatIst(instant, look.dateFormat),
    isoIst: toIstIso,
    ...timeTags(req.app, look.dateFormat),
    ...data,
  };
  res.render(view, locals, (error, html) => {
    if (error) req.next?.(error);
    // The request was refused while its page was made, for a body without an end.
    else if (!res.headersSent) res.send(html);
  });
}

/** A viewer sends no form of this page, so it shows none: views/partials/head.ejs marks it. */
function isViewOnly(req: Request, res: Response): boolean {
  const viewer = res.locals['viewer'] as Viewer | undefined;
  return viewer?.role === 'viewer' && !policyOf(req).viewersToo;
}

/** Behind what scripts do at the cutoff, which keep typed text: for pages without them. */
const REFRESHED_AFTER_MS = 2_000;

/** Asks for the page again when its session is over, which leads to the sign-in page. */
function leadAwayAtCutoff(req: Request, res: Response, cutoff: number | undefined): void {
  // A page that leads elsewhere by itself goes first.
  if (cutoff === undefined || req.method !== 'GET' || res.hasHeader('Refresh')) return;
  const now = (req.app.get(PAGE_CLOCK) as Clock).now();
  res.set('Refresh', String(Math.ceil((cutoff + REFRESHED_AFTER_MS - now) / 1_000)));
}

/** `<time>` with the full instant on hover. Nothing in it comes from a request, so views write it as it is. */
function timeTags(app: Application, format: DateFormat) {
  const now = (): number => (app.get(PAGE_CLOCK) as Clock).now();
  const tag = (instant: number, attributes: string, text: string): string =>
    `<time datetime="${toIstIso(instant)}" title="${formatIst(instant, format)}"${attributes}>${text}</time>`;
  return {
    time: (instant: number) => tag(instant, ' data-relative', formatRelative(instant, now(), format)),
    timeAt: (instant: number) => tag(instant, '', formatShort(instant, now(), format)),
  };
}

function lookOf(req: Request, res: Response): Appearance {
  const look = res.locals['look'] as Appearance | undefined;
  return look ?? { ...DEFAULT_SETTINGS, theme: readThemeCookie(req) };
}
