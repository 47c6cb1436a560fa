import { z } from 'zod';
import type { AuditOrigin } from '../../core/audit-event.ts';
import { AppError } from '../../errors.ts';
import type { CompoundLimiter } from '../../http/compound-limiter.ts';
import { defineEndpoint, type Endpoint, line } from '../endpoint.ts';

export interface BrokerRejectionEndpointDeps {
  /**
   * Ends the connection whose access token has this digest (SHA-256, base64url), and says whether there was one. One that was
   * made since has another.
   */
  readonly reportRejected: (
    userId: string,
    broker: string,
    report: { readonly tokenDigest: string; readonly origin: AuditOrigin },
  ) => Promise<boolean>;
  readonly knowsBroker: (broker: string) => boolean;
  /** Besides the limit of the key: a report ends something. */
  readonly rejectionLimiter: Pick<CompoundLimiter, 'take'>;
}

const data = z.object({
  broker: z.string(),
  ended: z.boolean().meta({
    description:
      'Whether the connection was ended. false: it has another token by now, or had ended before; fetch the token again',
  }),
});

/** A program says that the broker refused the token it was given. */
export function createBrokerRejectionEndpoint(deps: BrokerRejectionEndpointDeps): Endpoint {
  const { reportRejected, knowsBroker, rejectionLimiter } = deps;

  return defineEndpoint({
    method: 'post',
    path: '/broker/:broker/rejection',
    operationId: 'reportRejectedToken',
    summary: 'Report that the broker refused its token',
    description:
      'For a program that the broker answers with 401 or 403. The connection ends, its owner is told on each page and by Telegram, and GET /broker/{broker}/token answers 409 until the owner connects again. A report about an earlier token ends nothing.',
    scope: 'broker:token',
    params: z.strictObject({
      broker: line(40).meta({ description: 'As GET /session names it', examples: ['zerodha'] }),
    }),
    query: z.strictObject({}),
    body: z.strictObject({
      fingerprint: z
        .string()
        .regex(/^[\w-]{43}$/, 'must be the fingerprint that came with the token')
        .meta({ description: 'As GET /broker/{broker}/token gave it with the token that was refused' }),
    }),
    bodyExample: { fingerprint: 'Zs7xr0bJ1oJ2mNRXJ5dSOVtgHZlZp3vPhu1nZ2VzN0k' },
    data,
    dataName: 'BrokerRejection',
    example: { broker: 'zerodha', ended: true },
    errors: ['not_found', 'too_large'],
    etag: false,
    waits: false,
    async answer({ caller, origin, params: { broker }, body: { fingerprint } }) {
      if (!knowsBroker(broker)) throw new AppError('not_found', 'This server has no broker of that name.');
      const taking = await rejectionLimiter.take(caller.userId);
      if (taking.kind === 'limited') throw tooManyReports(taking.retryAfterSeconds);
      const ended = await reportRejected(caller.userId, broker, { tokenDigest: fingerprint, origin });
      return { broker, ended };
    },
  });
}

function tooManyReports(retryAfterSeconds: number): AppError {
  const words = `Too many reports of rejected tokens. Try again in ${retryAfterSeconds} s.`;
  return new AppError('rate_limited', words, { retryAfterSeconds });
}
