import type { RequestHandler } from 'express';
import type { SandboxContext } from './sandbox-context.ts';

/** Says whose token it is, to whoever shows a live one: the proof that a token works, or no longer does (RFC 6750). */
export function createProfileEndpoint({ store, clock, client }: SandboxContext): RequestHandler {
  return async function showProfile(req, res) {
    const token = readBearer(req.get('authorization'));
    const subject = token === undefined ? undefined : await store.findSubject(token, clock.now());
    if (subject === undefined) {
      const problem = token === undefined ? '' : ', error="invalid_token"';
      res
        .status(401)
        .set('WWW-Authenticate', `Bearer realm="sandbox"${problem}`)
        .json({ error: 'invalid_token' });
      return;
    }
    res.json({ broker: 'sandbox', client_id: client.id, subject });
  };
}

function readBearer(header: string | undefined): string | undefined {
  return /^Bearer ([A-Za-z0-9._~+/-]{1,500}=*)$/i.exec(header ?? '')?.[1];
}
