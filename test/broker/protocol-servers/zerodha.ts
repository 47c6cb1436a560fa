import { createHash } from 'node:crypto';
import express, { type Request, type Response } from 'express';
import { nextCutoff } from '../../../src/core/cutoff.ts';
import { MINUTE_MS } from '../../../src/core/duration.ts';
import { field, isAllowed, showConsentPage, withParameters } from './consent-page.ts';
import { listen, type ProtocolServer, type ProtocolServerOptions, statusOf } from './protocol-server.ts';
import { createTokenBook } from './token-book.ts';

const API_KEY = 'kiteapikey123456';
const CLIENT_ID = 'XX0000';
const API_SECRET = 'kite-secret-3f9a1c5e7b2d4860';
const REQUEST_TOKEN_LIFETIME_MS = 5 * MINUTE_MS;

/** Kite Connect 3: https://kite.trade/docs/connect/v3/user/ and …/exceptions/. */
export async function startZerodhaServer({
  clock,
  redirectUri,
}: ProtocolServerOptions): Promise<ProtocolServer> {
  const book = createTokenBook<'session'>('kite', clock);
  const app = express();
  app.use(express.urlencoded({ extended: false }));

  app.get('/connect/login', (req, res) => {
    const { v, api_key: apiKey } = req.query;
    if (v !== '3' || apiKey !== API_KEY) return fail(res, 400, 'InputException', 'Invalid `api_key`.');
    showConsentPage(res, 'Kite', '/connect/finish', { redirect_params: field(req.query, 'redirect_params') });
  });

  app.post('/connect/finish', (req, res) => {
    // A cancelled login comes back without the redirect_params.
    if (!isAllowed(req)) return res.redirect(302, withParameters(redirectUri, { status: 'cancelled' }));
    const url = new URL(redirectUri);
    for (const [name, value] of new URLSearchParams(field(req.body, 'redirect_params')))
      url.searchParams.set(name, value);
    const requestToken = book.issueCode('session', REQUEST_TOKEN_LIFETIME_MS);
    const answer = { action: 'login', type: 'login', status: 'success', request_token: requestToken };
    res.redirect(302, withParameters(url.href, answer));
  });

  app
    .route('/session/token')
    .post((req, res) => {
      if (req.get('x-kite-version') !== '3') return fail(res, 400, 'InputException', 'Missing version');
      const requestToken = field(req.body, 'request_token');
      if (field(req.body, 'api_key') !== API_KEY)
        return fail(res, 403, 'TokenException', 'Invalid `api_key`.');
      if (field(req.body, 'checksum') !== checksumOf(requestToken))
        return fail(res, 403, 'TokenException', 'Invalid `checksum`.');
      if (book.redeem(requestToken) === undefined)
        return fail(res, 403, 'TokenException', 'Token is invalid or has expired.');
      const accessToken = book.issueToken(nextCutoff(clock.now(), { hour: 6, minute: 0 }));
      const data = { user_id: CLIENT_ID, api_key: API_KEY, access_token: accessToken, refresh_token: '' };
      res.json({ status: 'success', data });
    })
    .delete((req, res) => {
      const accessToken = field(req.query, 'access_token');
      if (field(req.query, 'api_key') !== API_KEY || !book.isAlive(accessToken))
        return fail(res, 403, 'TokenException', 'Incorrect `api_key` or `access_token`.');
      book.kill(accessToken);
      res.json({ status: 'success', data: true });
    });

  app.get('/user/profile', (req, res) => {
    const [scheme, pair = ''] = (req.get('authorization') ?? '').split(' ');
    const [apiKey, accessToken = ''] = pair.split(':');
    if (scheme !== 'token' || apiKey !== API_KEY || !book.isAlive(accessToken))
      return fail(res, 403, 'TokenException', 'Incorrect `api_key` or `access_token`.');
    res.json({ status: 'success', data: { user_id: CLIENT_ID } });
  });

  /** The query of wss://ws.kite.trade, without the socket. */
  app.get('/feed', (req: Request, res: Response) => {
    const opens = field(req.query, 'api_key') === API_KEY && book.isAlive(field(req.query, 'access_token'));
    res.sendStatus(opens ? 200 : 403);
  });

  const { origin, close, answerWith } = await listen(app);
  return {
    endpoints: { login: `${origin}/connect/login`, api: origin },
    credentials: { apiKey: API_KEY, apiSecret: API_SECRET },
    clientId: CLIENT_ID,
    profileStatus: (token) =>
      statusOf(`${origin}/user/profile`, { authorization: `token ${API_KEY}:${token}` }),
    feedStatus: (token) =>
      statusOf(withParameters(`${origin}/feed`, { api_key: API_KEY, access_token: token })),
    secrets: () => [API_SECRET, ...book.issued()],
    answerWith,
    close,
  };
}

function checksumOf(requestToken: string): string {
  return createHash('sha256').update(`${API_KEY}${requestToken}${API_SECRET}`).digest('hex');
}

function fail(res: Response, status: number, error_type: string, message: string): void {
  res.status(status).json({ status: 'error', message, error_type });
}
