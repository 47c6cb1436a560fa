import { createHash } from 'node:crypto';
import express, { type Request, type Response } from 'express';
import { nextCutoff } from '../../../src/core/cutoff.ts';
import { MINUTE_MS } from '../../../src/core/duration.ts';
import { field, isAllowed, showConsentPage, withParameters } from './consent-page.ts';
import { listen, type ProtocolServer, type ProtocolServerOptions, statusOf } from './protocol-server.ts';
import { createTokenBook } from './token-book.ts';

const APP_ID = 'SPXXXXE7-100';
const CLIENT_ID = 'FX0011';
const SECRET_ID = 'fyers-secret-C4B0E1';
const APP_ID_HASH = createHash('sha256').update(`${APP_ID}:${SECRET_ID}`).digest('hex');
const CODE_LIFETIME_MS = 5 * MINUTE_MS;

/** Fyers API v3: https://myapi.fyers.in/docsv3 (authentication, logout, error codes). */
export async function startFyersServer({
  clock,
  redirectUri,
}: ProtocolServerOptions): Promise<ProtocolServer> {
  const book = createTokenBook<'code'>('fyers', clock);
  const app = express();
  app.use(express.urlencoded({ extended: false }), express.json());

  app.get('/api/v3/generate-authcode', (req, res) => {
    const { client_id: clientId, redirect_uri: sentUri, response_type: type } = req.query;
    if (clientId !== APP_ID) return fail(res, 400, -352, 'invalid app id');
    if (sentUri !== redirectUri || type !== 'code') return fail(res, 400, -50, 'invalid redirect_uri');
    showConsentPage(res, 'Fyers', '/decision', { state: field(req.query, 'state') });
  });

  app.post('/decision', (req, res) => {
    const state = field(req.body, 'state');
    const answer = isAllowed(req)
      ? { s: 'ok', code: '200', message: '', auth_code: book.issueCode('code', CODE_LIFETIME_MS) }
      : { s: 'error', code: '-1', message: 'declined' };
    res.redirect(302, withParameters(redirectUri, { ...answer, state }));
  });

  app.post('/api/v3/validate-authcode', (req, res) => {
    if (!req.is('application/json')) return fail(res, 400, -50, 'json expected');
    if (field(req.body, 'grant_type') !== 'authorization_code') return fail(res, 400, -50, 'grant_type');
    if (field(req.body, 'appIdHash') !== APP_ID_HASH) return fail(res, 400, -5, 'invalid app id hash');
    // Which number a used code gets is not published: any that no table names.
    if (book.redeem(field(req.body, 'code')) === undefined) return fail(res, 401, -9999, 'invalid auth code');
    const accessToken = book.issueToken(nextCutoff(clock.now(), { hour: 6, minute: 0 }));
    res.json({ s: 'ok', code: 200, message: '', access_token: accessToken });
  });

  app.post('/api/v3/logout', (req, res) => {
    const token = tokenOf(req);
    if (!book.isAlive(token)) return fail(res, 401, -16, 'Token is Invalid or Expired');
    book.kill(token);
    res.json({ s: 'ok', code: 200, message: 'you are successfully logged out' });
  });

  // The second is what the opening frame of the price feed carries, without the socket.
  app.get(['/api/v3/profile', '/feed'], (req, res) => {
    if (!book.isAlive(tokenOf(req))) return fail(res, 401, -16, 'Token is Invalid or Expired');
    res.json({ s: 'ok', code: 200, message: '', data: { fy_id: CLIENT_ID } });
  });

  const { origin, close, answerWith } = await listen(app);
  const authorized = (path: string, token: string) =>
    statusOf(origin + path, { authorization: `${APP_ID}:${token}` });
  return {
    endpoints: { login: `${origin}/api/v3/generate-authcode`, api: `${origin}/api/v3` },
    credentials: { appId: APP_ID, secretId: SECRET_ID },
    clientId: CLIENT_ID,
    profileStatus: (token) => authorized('/api/v3/profile', token),
    feedStatus: (token) => authorized('/feed', token),
    secrets: () => [SECRET_ID, APP_ID_HASH, ...book.issued()],
    answerWith,
    close,
  };
}

/** `Authorization: app_id:access_token`. */
function tokenOf(req: Request): string {
  const [appId, token = ''] = (req.get('authorization') ?? '').split(':');
  return appId === APP_ID ? token : '';
}

function fail(res: Response, status: number, code: number, message: string): void {
  res.status(status).json({ s: 'error', code, message });
}
