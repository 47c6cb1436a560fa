import type { Request } from 'express';
import { pageNumber } from './query-text.ts';

export type Query = Readonly<Record<string, string | number | undefined>>;

/** The address of a page of a list; what is empty or undefined is left out of it. */
export function hrefWith(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') parameters.set(name, String(value));
  return parameters.size === 0 ? path : `${path}?${parameters}`;
}

/** Where the links below a list lead (views/partials/pager.ejs); undefined for those that there are none of. */
export interface PagerLinks {
  readonly first?: string | undefined;
  readonly newer?: string | undefined;
  readonly older?: string | undefined;
}

/** Which page of a counted list a request asks for. */
export interface NumberedPage {
  readonly offset: number;
  readonly limit: number;
  readonly links: (path: string, query: Query, found: { shown: number; total: number }) => PagerLinks;
}

export function numberedPage(req: Request, limit: number): NumberedPage {
  const page = pageNumber(req);
  const offset = (page - 1) * limit;
  return {
    offset,
    limit,
    links: (path, query, { shown, total }) => ({
      newer: page === 1 ? undefined : hrefWith(path, { ...query, page: page - 1 }),
      older: offset + shown < total ? hrefWith(path, { ...query, page: page + 1 }) : undefined,
    }),
  };
}
