import type { RequestHandler } from 'express';
import { z } from 'zod';
import { answerProtocolError } from './protocol-error.ts';
import type { SandboxContext } from './sandbox-context.ts';

const requestSchema = z.object({ client_id: z.string().max(100), token: z.string().max(500) });

/** Ends a token (RFC 7009). One that is unknown or already dead gets the same 200: the caller's wish is fulfilled. */
export function createRevocationEndpoint({ store, clock, client }: SandboxContext): RequestHandler {
  return async function revokeToken(req, res) {
    const parsed = requestSchema.safeParse(req.body);
    if (!parsed.success) return answerProtocolError(res, 'invalid_request');
    if (parsed.data.client_id !== client.id) return answerProtocolError(res, 'invalid_client');
    await store.revoke(parsed.data.token, client.id, clock.now());
    res.status(200).end();
  };
}
