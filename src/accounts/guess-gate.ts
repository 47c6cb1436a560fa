import type { Request, RequestHandler } from 'express';
import { clientAddress } from '../http/client-address.ts';
import { waitInWords } from '../http/wait-in-words.ts';
import type { DeviceCookies } from './device-cookies.ts';
import type { LoginLimiter } from './login-limiter.ts';

const SIGN_INS = ['/auth/login', '/auth/login/passkey'];

export interface GuessGateDeps {
  readonly limiter: Pick<LoginLimiter, 'findRefused'>;
  readonly devices: Pick<DeviceCookies, 'isCarried'>;
}

/**
 * In front of the session: refuses, for next to nothing, the next sign-in from where one was refused a moment ago whatever
 * name it gave. A flood of guesses would otherwise cost a form each, and the people who sign in on known devices wait for it.
 */
export function createGuessGate({ limiter, devices }: GuessGateDeps): RequestHandler {
  return function refuseGuesses(req, res, next) {
    const seconds = isUnknownSignIn(req) ? limiter.findRefused(clientAddress(req)) : undefined;
    if (seconds === undefined) return next();
    const sentence = `Too many attempts. Try again in ${waitInWords(seconds)}.`;
    res.status(429).set('Retry-After', String(seconds)).set('Cache-Control', 'no-store');
    if (req.accepts(['html', 'json']) === 'html') res.type('html').send(page(sentence));
    else res.json({ status: 'error', error: 'rate_limited', message: sentence });
  };

  function isUnknownSignIn(req: Request): boolean {
    return req.method === 'POST' && SIGN_INS.includes(req.path) && !devices.isCarried(req);
  }
}

const page = (sentence: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Too many attempts · Curfew</title>
<link rel="stylesheet" href="/assets/curfew.css"></head>
<body><main class="page page-narrow"><h1>Too many attempts</h1><p>${sentence}</p><p><a href="/auth/login">Sign in</a></p></main></body></html>
`;
