import { randomBytes } from 'node:crypto';
import { type Request, type Response, Router } from 'express';
import { SECOND_MS } from '../../core/duration.ts';
import { invalid } from '../../errors.ts';
import { methods } from '../../http/methods.ts';
import { renderPage } from '../../http/page.ts';
import { currentSession } from '../../sessions/current-session.ts';
import { checkAuthorizationRequest, type SandboxAuthorization } from './authorization-request.ts';
import { SANDBOX_PATHS, sandboxIssuer } from './metadata.ts';
import type { SandboxContext } from './sandbox-context.ts';

const CODE_LIFETIME_MS = 60 * SECOND_MS;
const CODE_BYTES = 32;

/**
 * The practice broker's page that asks a person. It has no accounts of its own: the user who is signed in at Curfew is the
 * client of the same name there. Behind the guard and CSRF like every page.
 */
export function createSandboxAuthorizationPage({
  store,
  clock,
  publicOrigin,
  client,
}: SandboxContext): Router {
  const router = Router({ caseSensitive: true });

  methods(router, SANDBOX_PATHS.authorize, {
    get: function showAuthorization(req, res) {
      const { username } = currentSession(req);
      const authorization = readOrAnswer(req.query, res);
      if (authorization === undefined) return;
      renderPage(req, res, 'sandbox/authorize', {
        title: 'Practice broker',
        clientName: client.name,
        subject: username,
        hidden: authorization.parameters,
      });
    },
    post: async function decideAuthorization(req: Request, res: Response) {
      const { username } = currentSession(req);
      const authorization = readOrAnswer(req.body, res);
      if (authorization === undefined) return;
      if (readDecision(req) === 'deny') return answer(res, authorization, { error: 'access_denied' });
      const code = randomBytes(CODE_BYTES).toString('base64url');
      await store.saveCode(code, grantFor(authorization, username), clock.now());
      answer(res, authorization, { code });
    },
  });

  function readOrAnswer(source: unknown, res: Response): SandboxAuthorization | undefined {
    const check = checkAuthorizationRequest(source, client);
    if (check.kind === 'ok') return check.authorization;
    if (check.kind === 'unusable')
      throw invalid({ client_id: 'This link does not lead to the practice broker. Start again at Brokers.' });
    answer(res, { redirectUri: check.redirectUri, state: check.state }, { error: check.error });
    return undefined;
  }

  function grantFor(authorization: SandboxAuthorization, subject: string) {
    return {
      clientId: client.id,
      redirectUri: authorization.redirectUri,
      codeChallenge: authorization.codeChallenge,
      subject,
      expiresAt: clock.now() + CODE_LIFETIME_MS,
    };
  }

  /** Back to the client, with `iss` so that it can tell whose answer this is (RFC 9207). */
  function answer(
    res: Response,
    to: Pick<SandboxAuthorization, 'redirectUri' | 'state'>,
    parameters: Readonly<Record<string, string>>,
  ): void {
    const url = new URL(to.redirectUri);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    if (to.state !== undefined) url.searchParams.set('state', to.state);
    url.searchParams.set('iss', sandboxIssuer(publicOrigin));
    res.redirect(303, url.href);
  }

  return router;
}

/** Anything but the Allow button is a no. */
function readDecision(req: Request): 'allow' | 'deny' {
  return req.body?.decision === 'allow' ? 'allow' : 'deny';
}
