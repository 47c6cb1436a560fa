import type { Request, RequestHandler, Response } from 'express';
import type { SandboxContext } from './sandbox-context.ts';

/** Says whose a live token is: the proof that a token works, or no longer does (RFC 6750). */
export function createProfileEndpoint({ store, clock, client }: SandboxContext): RequestHandler {
  return async function showProfile(req, res) {
    const token = readBearer(req);
    const subject = token === undefined ? undefined : await store.findSubject(token, clock.now());
    if (subject === undefined) return refuseToken(res, token);
    res.json({ broker: 'sandbox', client_id: client.id, subject });
  };
}

export function readBearer(req: Request): string | undefined {
  return /^Bearer ([A-Za-z0-9._~+/-]{1,500}=*)$/i.exec(req.get('authorization') ?? '')?.[1];
}

export function refuseToken(res: Response, token: string | undefined): void {
  const problem = token === undefined ? '' : ', error="invalid_token"';
  res
    .status(401)
    .set('WWW-Authenticate', `Bearer realm="sandbox"${problem}`)
    .json({ error: 'invalid_token' });
}
