import { hash } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { readCookie } from './read-cookie.ts';

/** A few words that a browser remembers for one person until the next cutoff. It decides what pages show, and nothing else. */
export interface DayCookie {
  /** Empty where nothing is remembered: what another person's cookie says, or one of an earlier day, counts as nothing. */
  read(req: Request, userId: string): readonly string[];
  /** Words of letters, digits, `-` and `_`. */
  write(res: Response, userId: string, words: readonly string[]): void;
}

export interface DayCookieDeps {
  readonly name: string;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
  /** Whether people come over https. */
  readonly https: boolean;
}

export function createDayCookie({ name, calendar, clock, https }: DayCookieDeps): DayCookie {
  const cookieName = https ? `__Host-${name}` : name;
  // Without a cutoff the browser forgets it when it closes.
  const dayOf = (userId: string): string =>
    `${Number.isFinite(calendar.last()) ? calendar.last() : 'off'}.${hash('sha256', userId, 'base64url').slice(0, 8)}`;

  return {
    read(req, userId) {
      const value = readCookie(req, cookieName) ?? '';
      const prefix = `${dayOf(userId)}.`;
      return value.startsWith(prefix) ? value.slice(prefix.length).split('~') : [];
    },
    write(res, userId, words) {
      const leftMs = calendar.next() - clock.now();
      res.cookie(cookieName, `${dayOf(userId)}.${words.join('~')}`, {
        httpOnly: true,
        sameSite: 'lax',
        secure: https,
        path: '/',
        ...(Number.isFinite(leftMs) && { maxAge: leftMs }),
      });
    },
  };
}
