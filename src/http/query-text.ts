import type { Request } from 'express';

/** A parameter of the query, without blanks around it and cut at `longest` characters; '' where it is not there once. */
export function queryText(req: Request, name: string, longest: number): string {
  const value = req.query[name];
  return typeof value === 'string' ? value.trim().slice(0, longest) : '';
}

/** Notices on top of a page after an act, chosen by the fixed word `notice` in its address. */
export type Notices = ReadonlyMap<unknown, string>;

export function noticeOf(req: Request, notices: Notices): string | undefined {
  return notices.get(req.query['notice']);
}

/** The parameter `page`, of so many digits at the most; 1 where it says nothing that could be one. */
export function pageNumber(req: Request, mostDigits = 6): number {
  return Math.max(1, Number.parseInt(queryText(req, 'page', mostDigits), 10) || 1);
}
