import type { Request, Response } from 'express';
import { DAY_MS } from '../core/duration.ts';
import { THEMES, type Theme } from '../core/user-settings.ts';

const LIFETIME_MS = 365 * DAY_MS;
const NAME = 'curfew-theme';
const HOST_NAME = '__Host-curfew-theme';

/**
 * The theme of the user who signed in with this browser last: for pages without a session, such as the sign-in page.
 * The answer is one of the themes, for any cookie.
 */
export function readThemeCookie(req: Request): Theme {
  const pairs = (req.headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='));
  const value = pairs.find(([name]) => name === HOST_NAME || name === NAME)?.[1];
  return THEMES.find((theme) => theme === value) ?? 'system';
}

/** `secure`: whether people come over https. */
export function writeThemeCookie(res: Response, theme: Theme, secure: boolean): void {
  const options = { httpOnly: true, sameSite: 'lax', secure, path: '/' } as const;
  res.cookie(secure ? HOST_NAME : NAME, theme, { ...options, maxAge: LIFETIME_MS });
}
