import type { RequestHandler } from 'express';
import { DateTime } from 'luxon';
import '../../src/sessions/session-data.ts';

/** The check as one writes it first: the day's cutoff computed from the wall clock for each request. */
export function checkWithLuxon(cutoff: { readonly hour: number; readonly minute: number }): RequestHandler {
  return function checkExpiry(req, res, next) {
    const { loginTime } = req.session;
    if (loginTime === undefined || !isExpired(loginTime, cutoff)) return next();
    req.session.destroy(() => res.redirect(303, '/auth/login'));
  };
}

export function isExpired(
  loginTime: string,
  cutoff: { readonly hour: number; readonly minute: number },
): boolean {
  const now = DateTime.now().setZone('Asia/Kolkata');
  const today = now.set({ ...cutoff, second: 0, millisecond: 0 });
  const last = now >= today ? today : today.minus({ days: 1 });
  return DateTime.fromISO(loginTime).setZone('Asia/Kolkata') < last;
}
