import { AppError } from '../errors.ts';
import { type LoginReason, loginRefusal, shownReason } from '../sessions/session-expiry.ts';
import { type Target, urlOf } from './rules.ts';

/** The page that leads back to a tool. */
export const RETURN_PATH = '/gateway/return';

/** More than a browser's address should hold; a longer one is not come back to. */
const LONGEST_RETURN = 1500;

/** The refusal of a request without a session that counts: `location` is where to sign in. */
export function signInRefusal(publicOrigin: string, reason: LoginReason, target: Target): AppError {
  const { code, message } = loginRefusal(reason);
  return new AppError(code, message, {
    details: { reason, location: signInAddress(publicOrigin, reason, target) },
  });
}

/** Where to sign in for a target, and come back to it. */
function signInAddress(publicOrigin: string, reason: LoginReason, target: Target): string {
  const query = new URLSearchParams({ reason: shownReason(reason) });
  return withReturn(`${publicOrigin}/auth/login`, query, target);
}

/** Where to enter the password once more. */
export function confirmAddress(publicOrigin: string, target: Target): string {
  return withReturn(`${publicOrigin}/auth/confirm`, new URLSearchParams(), target);
}

/** A form that was sent is not sent again: only a page is come back to. */
function withReturn(page: string, query: URLSearchParams, target: Target): string {
  const to = `${RETURN_PATH}?${new URLSearchParams({ to: urlOf(target) })}`;
  const isPage = target.method === 'GET' || target.method === 'HEAD';
  if (isPage && to.length <= LONGEST_RETURN) query.set('returnTo', to);
  const text = query.toString();
  return text === '' ? page : `${page}?${text}`;
}
