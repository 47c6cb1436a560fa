import express, { type ErrorRequestHandler, type Request, type Response } from 'express';
import { AppError } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { policyOf } from '../http/route-policy.ts';
import type { Revoker } from '../revocation/revoker.ts';
import { notEndedYet, revokeOrExplain, storedForLater } from './logout-errors.ts';
import { meansEverywhere } from './means-everywhere.ts';
import { readSessionId } from './session-id.ts';

const ASKED = 'You are not signed out yet.';

/**
 * Behind the session middleware: a logout while the session store is away. The store cannot say whose session it is, but
 * the signed cookie can, so the revocation for this one device is stored and carried out when the store is back. No more than
 * this device: whether the session still counts is unknown, and one that does not may end nothing. Instead
 * of the form's token, which lies in the session, the check of the request's origin has to do.
 */
export function createOutageLogout(revoker: Revoker): ErrorRequestHandler {
  const parsers = [express.urlencoded({ extended: false, limit: '4kb' }), express.json({ limit: '4kb' })];

  return async function logOutInOutage(error: unknown, req, res, next) {
    const facts = readSessionId(req.sessionID ?? '');
    if (!isAway(error) || !isLogout(req) || facts.kind !== 'signed_in') return next(error);
    for (const parse of parsers) await new Promise((resolve) => parse(req, res, resolve));
    if (meansEverywhere(req.body?.everywhere)) throw notEndedYet(ASKED, error);
    await revokeOrExplain(ASKED, () => storeRevocation(req, res, facts.userId));
    throw storedForLater(ASKED, error);
  };

  function storeRevocation(req: Request, res: Response, userId: string) {
    const scope = { kind: 'device', userId, sids: [req.sessionID] } as const;
    return revoker.revoke(scope, 'logged_out', auditOrigin(req, res));
  }
}

const isAway = (error: unknown): boolean => error instanceof AppError && error.code === 'unavailable';

const isLogout = (req: Request): boolean => req.method === 'POST' && policyOf(req).alwaysOpen === true;
