import type { RequestHandler } from 'express';
import { AppError } from '../errors.ts';

/** RFC 9110, 15.5.6: a method that an address does not take is answered with those that it does. */
export function refuseMethod(method: string, allow: string): AppError {
  return new AppError('method_not_allowed', `This address takes ${allow} and not ${method}.`, {
    headers: { Allow: allow },
  });
}

const READING = 'GET, HEAD';

/** For folders of files: methods that do not read are refused, whether or not there is a file of that name. */
export const readOnly: RequestHandler = function readOnly(req, res, next) {
  if (req.method === 'GET' || req.method === 'HEAD') return next();
  if (req.method === 'OPTIONS') return void res.set('Allow', READING).sendStatus(204);
  next(refuseMethod(req.method, READING));
};
