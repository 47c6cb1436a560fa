import type { Request } from 'express';

/** The value of a cookie as it stands in the header, still encoded; undefined where there is none. */
export function readCookie(req: Request, name: string): string | undefined {
  const pairs = (req.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}
