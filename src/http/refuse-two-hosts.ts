import type { RequestHandler } from 'express';
import { AppError } from '../errors.ts';

/** Refuses a request with several Host headers (RFC 9112, 3.2): a proxy in front may have gone by another one than we. */
export const refuseTwoHosts: RequestHandler = (req, _res, next) => {
  const names = req.rawHeaders.filter((_, index) => index % 2 === 0);
  const hosts = names.filter((name) => name.toLowerCase() === 'host');
  if (hosts.length <= 1) return next();
  const words = 'The request has more than one Host header.';
  next(new AppError('invalid', words, { fields: {} }));
};
