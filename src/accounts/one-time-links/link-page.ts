import type { Request, RequestHandler, Response } from 'express';
import { notFound } from '../../errors.ts';
import { type PageData, renderPage } from '../../http/page.ts';
import { wantsJson } from '../../http/wants-json.ts';

/** A page whose address is a secret: no Referer tells it to other servers, nor to this server's log of assets. */
export function renderLinkPage(req: Request, res: Response, view: string, data: PageData): void {
  res.set('Referrer-Policy', 'strict-origin');
  // Where a session ends while it is open: the sign-in page must not be told of the link.
  renderPage(req, res, view, { returnTo: '/dashboard', ...data });
}

/** One page for links that are unknown, used, revoked or too old. */
export function renderLinkOver(req: Request, res: Response, newLink?: { href: string; text: string }): void {
  if (wantsJson(req)) throw notFound();
  renderLinkPage(req, res.status(404), 'accounts/links/over', {
    title: 'This link does not work any more',
    newLink,
  });
}

export const tokenOf = (req: Request): string => String(req.params['token']);

/** The page of a link: GET shows the effect and changes nothing, since mail scanners open links as well. */
export interface LinkPage {
  readonly get: RequestHandler;
  readonly post: RequestHandler;
}
