import { randomUUID } from 'node:crypto';
import express, { type Request, type Response } from 'express';
import { DAY_MS, MINUTE_MS } from '../../../src/core/duration.ts';
import { toIstIso } from '../../../src/core/ist.ts';
import { field, isAllowed, showConsentPage, withParameters } from './consent-page.ts';
import { listen, type ProtocolServer, type ProtocolServerOptions, statusOf } from './protocol-server.ts';
import { createTokenBook } from './token-book.ts';

const CLIENT_ID = '1000000001';
const API_KEY = 'a1b2c3d4';
const API_SECRET = 'dhan-secret-1597b6ab';
const TOKEN_ID_LIFETIME_MS = 5 * MINUTE_MS;

export interface DhanServer extends ProtocolServer {
  /** Who logs in from now on, instead of the app's owner. */
  loginAs(clientId: string): void;
}

/** DhanHQ API v2, the flow with an API key: https://dhanhq.co/docs/v2/authentication/. No state, and no logout. */
export async function startDhanServer({ clock, redirectUri }: ProtocolServerOptions): Promise<DhanServer> {
  const book = createTokenBook<string>('dhan', clock);
  const consents = new Set<string>();
  let person = CLIENT_ID;
  const app = express();
  app.use(express.urlencoded({ extended: false }));

  app.post('/app/generate-consent', (req, res) => {
    if (!hasKeys(req) || field(req.query, 'client_id') !== CLIENT_ID)
      return fail(res, 401, 'Invalid app_id, app_secret or client_id');
    const consentAppId = randomUUID();
    consents.add(consentAppId);
    res.json({ consentAppId, consentAppStatus: 'GENERATED', status: 'success' });
  });

  app.get('/login/consentApp-login', (req, res) => {
    const consentAppId = field(req.query, 'consentAppId');
    if (!consents.has(consentAppId)) return fail(res, 400, 'Unknown consent');
    showConsentPage(res, 'Dhan', '/decision', { consentAppId });
  });

  app.post('/decision', (req, res) => {
    if (!consents.delete(field(req.body, 'consentAppId'))) return fail(res, 400, 'Unknown consent');
    // As published, with a slash of its own: `{redirect_URL}/?tokenId={Token ID for user}`.
    const back = `${redirectUri}/`;
    if (!isAllowed(req)) return res.redirect(302, back);
    res.redirect(302, withParameters(back, { tokenId: book.issueCode(person, TOKEN_ID_LIFETIME_MS) }));
  });

  app.get('/app/consumeApp-consent', (req, res) => {
    if (!hasKeys(req)) return fail(res, 401, 'Invalid app_id or app_secret');
    const dhanClientId = book.redeem(field(req.query, 'tokenId'));
    // With 200, as people report it.
    if (dhanClientId === undefined) return fail(res, 200, 'Invalid tokenId');
    const expiresAt = clock.now() + DAY_MS;
    const accessToken = book.issueToken(expiresAt);
    const expiryTime = toIstIso(expiresAt).slice(0, 19);
    res.json({
      dhanClientId,
      dhanClientName: 'JOHN DOE',
      dhanClientUcc: 'CEFE4265',
      accessToken,
      expiryTime,
    });
  });

  app.get('/v2/profile', (req, res) => {
    if (!book.isAlive(req.get('access-token') ?? '')) return refuseToken(res);
    res.json({ dhanClientId: CLIENT_ID });
  });

  /** The query of wss://api-feed.dhan.co, without the socket. */
  app.get('/feed', (req, res) => {
    const { version, clientId, authType } = req.query;
    const opens = version === '2' && clientId === CLIENT_ID && authType === '2';
    if (!opens || !book.isAlive(field(req.query, 'token'))) return refuseToken(res);
    res.json({});
  });

  const { origin, close, answerWith } = await listen(app);
  const feedQuery = { version: '2', clientId: CLIENT_ID, authType: '2' };
  return {
    endpoints: { login: `${origin}/login/consentApp-login`, api: origin },
    credentials: { clientId: CLIENT_ID, apiKey: API_KEY, apiSecret: API_SECRET },
    clientId: CLIENT_ID,
    profileStatus: (token) => statusOf(`${origin}/v2/profile`, { 'access-token': token }),
    feedStatus: (token) => statusOf(withParameters(`${origin}/feed`, { ...feedQuery, token })),
    secrets: () => [API_SECRET, ...book.issued()],
    loginAs(clientId) {
      person = clientId;
    },
    answerWith,
    close,
  };
}

const hasKeys = (req: Request): boolean =>
  req.get('app_id') === API_KEY && req.get('app_secret') === API_SECRET;

function refuseToken(res: Response): void {
  res.status(401).json({ errorType: 'Invalid_Authentication', errorCode: 'DH-901', errorMessage: 'Invalid' });
}

function fail(res: Response, status: number, message: string): void {
  res.status(status).json({ status: 'error', message });
}
