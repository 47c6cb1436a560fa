import express, { type Request, type Response } from 'express';
import { nextCutoff } from '../../../src/core/cutoff.ts';
import { MINUTE_MS } from '../../../src/core/duration.ts';
import { field, isAllowed, showConsentPage, withParameters } from './consent-page.ts';
import { listen, type ProtocolServer, type ProtocolServerOptions, statusOf } from './protocol-server.ts';
import { createTokenBook } from './token-book.ts';

const API_KEY = '615b1297-d443-3b39-ba19-1927fbcdddc7';
const CLIENT_ID = '2ABCDE';
const API_SECRET = 'upstox-secret-8d1f6a2c94';
const CODE_LIFETIME_MS = 2 * MINUTE_MS;

/** Upstox API v2: https://upstox.com/developer/api-documentation/authorize, …/get-token, …/logout, …/error-codes. */
export async function startUpstoxServer({
  clock,
  redirectUri,
}: ProtocolServerOptions): Promise<ProtocolServer> {
  const book = createTokenBook<'code'>('upstox', clock);
  const app = express();
  app.use(express.urlencoded({ extended: false }));

  app.get('/v2/login/authorization/dialog', (req, res) => {
    const { client_id: clientId, redirect_uri: sentUri, response_type: type } = req.query;
    if (clientId !== API_KEY || sentUri !== redirectUri || type !== 'code')
      return fail(res, 401, 'UDAPI100068', "Check your 'client_id' and 'redirect_uri'");
    showConsentPage(res, 'Upstox', '/decision', { state: field(req.query, 'state') });
  });

  app.post('/decision', (req, res) => {
    const state = field(req.body, 'state');
    const answer = isAllowed(req)
      ? { code: book.issueCode('code', CODE_LIFETIME_MS) }
      : { error: 'access_denied' };
    res.redirect(302, withParameters(redirectUri, { ...answer, state }));
  });

  app.post('/v2/login/authorization/token', (req, res) => {
    // "The code is valid for a single use, regardless of whether the generation succeeds".
    const known = book.redeem(field(req.body, 'code'));
    if (field(req.body, 'client_id') !== API_KEY) return fail(res, 401, 'UDAPI100016', 'Invalid Credentials');
    if (field(req.body, 'client_secret') !== API_SECRET)
      return fail(res, 401, 'UDAPI100069', "Check your 'client_secret'");
    if (field(req.body, 'redirect_uri') !== redirectUri)
      return fail(res, 401, 'UDAPI100068', "Check your 'redirect_uri'");
    if (field(req.body, 'grant_type') !== 'authorization_code')
      return fail(res, 400, 'UDAPI100036', 'Invalid Input');
    if (known === undefined) return fail(res, 401, 'UDAPI100057', 'Invalid Auth code');
    const accessToken = book.issueToken(nextCutoff(clock.now(), { hour: 3, minute: 30 }));
    res.json({ email: '******', broker: 'UPSTOX', user_id: CLIENT_ID, access_token: accessToken });
  });

  app.delete('/v2/logout', (req, res) => {
    const token = bearerOf(req);
    if (!book.isAlive(token)) return refuseToken(res);
    book.kill(token);
    res.json({ status: 'success', data: true });
  });

  app.get(['/v2/user/profile', '/v3/feed/market-data-feed/authorize'], (req, res) => {
    if (!book.isAlive(bearerOf(req))) return refuseToken(res);
    res.json({ status: 'success', data: { user_id: CLIENT_ID } });
  });

  const { origin, close, answerWith } = await listen(app);
  const authorized = (path: string, token: string) =>
    statusOf(origin + path, { authorization: `Bearer ${token}` });
  return {
    endpoints: { login: `${origin}/v2/login/authorization/dialog`, api: `${origin}/v2` },
    credentials: { apiKey: API_KEY, apiSecret: API_SECRET },
    clientId: CLIENT_ID,
    profileStatus: (token) => authorized('/v2/user/profile', token),
    feedStatus: (token) => authorized('/v3/feed/market-data-feed/authorize', token),
    secrets: () => [API_SECRET, ...book.issued()],
    answerWith,
    close,
  };
}

function bearerOf(req: Request): string {
  const [scheme, token = ''] = (req.get('authorization') ?? '').split(' ');
  return scheme === 'Bearer' ? token : '';
}

function refuseToken(res: Response): void {
  fail(res, 401, 'UDAPI100050', 'Invalid token used to access API');
}

function fail(res: Response, status: number, code: string, message: string): void {
  res.status(status).json({ status: 'error', errors: [{ errorCode: code, message, error_code: code }] });
}
