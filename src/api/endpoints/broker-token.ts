import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { atMost } from '../../core/at-most.ts';
import type { AuditLog } from '../../core/audit-event.ts';
import type { CutoffCalendar } from '../../core/cutoff.ts';
import { toIstIso } from '../../core/ist.ts';
import { AppError } from '../../errors.ts';
import type { BrokerToken } from '../api-sources.ts';
import { type Call, defineEndpoint, type Endpoint, instant, line } from '../endpoint.ts';

export interface BrokerTokenEndpointDeps {
  /**
   * The day's access token. Throws `broker_reauth_required` with words where there is none, and `not_found` for a broker
   * that this server does not have.
   */
  readonly brokerToken: (userId: string, broker: string) => Promise<BrokerToken>;
  readonly audit: AuditLog;
  readonly calendar: CutoffCalendar;
}

const REMEMBERED_READERS = 10_000;

const data = z.object({
  broker: z.string(),
  token: z
    .string()
    .meta({ description: 'The broker’s own access token: a secret, and enough to trade with' }),
  fingerprint: z.string().meta({
    description: 'SHA-256 of the token in base64url: names it in POST /broker/{broker}/rejection',
  }),
  issuedAt: instant.meta({ description: 'When the owner connected the broker' }),
  validUntil: instant.meta({
    description:
      'The next cutoff, or the broker’s own limit where that is earlier. It may end before: where the broker refuses it, report that to POST /broker/{broker}/rejection, and this address answers 409',
  }),
});

/** The day's token, to the key's owner only, and never after the cutoff. */
export function createBrokerTokenEndpoint(deps: BrokerTokenEndpointDeps): Endpoint {
  const { brokerToken, audit, calendar } = deps;
  const readers = new LRUCache<string, true>(atMost(REMEMBERED_READERS));

  /** Once for each key and connection: who has had the token is for the audit log, how often is not. */
  async function recordReader(
    { caller, origin }: Call<unknown, unknown>,
    broker: string,
    issuedAt: number,
  ): Promise<void> {
    const reader = `${caller.id} ${broker} ${issuedAt}`;
    if (readers.has(reader)) return;
    readers.set(reader, true);
    const { userId, id: keyId } = caller;
    await audit.record({ type: 'api_key.broker_token_read', userId, keyId, broker }, origin);
  }

  return defineEndpoint({
    method: 'get',
    path: '/broker/:broker/token',
    operationId: 'getBrokerToken',
    summary: 'The day’s access token of a broker',
    description:
      'Only ever the token of the key’s owner. From the instant of the cutoff on, and whenever the broker is not connected, the answer is 409 broker_reauth_required: the owner signs in and connects the broker again, and the same key works again.',
    scope: 'broker:token',
    params: z.strictObject({
      broker: line(40).meta({ description: 'As GET /session names it', examples: ['zerodha'] }),
    }),
    query: z.strictObject({}),
    data,
    dataName: 'BrokerToken',
    example: {
      broker: 'zerodha',
      token: 'Xf0kQ2…',
      fingerprint: 'Zs7xr0bJ1oJ2mNRXJ5dSOVtgHZlZp3vPhu1nZ2VzN0k',
      issuedAt: '2026-11-23T09:01:00.000+05:30',
      validUntil: '2026-11-24T03:00:00.000+05:30',
    },
    errors: ['not_found', 'broker_reauth_required'],
    etag: false,
    waits: false,
    async answer(call) {
      const { broker } = call.params;
      const first = await brokerToken(call.caller.userId, broker);
      await recordReader(call, broker, first.issuedAt);
      // Asked again: while the line was written the connection may have ended.
      const { token, issuedAt, expiresAt } = await brokerToken(call.caller.userId, broker);
      // Nothing may wait between this question and the answer: the cutoff does not wait.
      if (calendar.isPast(issuedAt)) throw endedMeanwhile();
      return {
        broker,
        token,
        fingerprint: hash('sha256', token, 'base64url'),
        issuedAt: toIstIso(issuedAt),
        validUntil: toIstIso(Math.min(expiresAt, calendar.next())),
      };
    },
  });
}

function endedMeanwhile(): AppError {
  const words =
    'The broker’s token expired at the cutoff just now. Sign in to Curfew and connect the broker again.';
  return new AppError('broker_reauth_required', words);
}
