import type { z } from 'zod';
import { describeInput } from './json-schema.ts';
import type { OpenApiOperation } from './openapi-document.ts';
import { referToErrors } from './openapi-errors.ts';

/** The document's entry for the address that platforms send signals to. `body`: the schema of a JSON body. */
export function describeWebhook(body: z.ZodType): OpenApiOperation {
  return {
    operationId: 'sendSignal',
    summary: 'Send a signal to a strategy',
    description:
      'For platforms and programs. The address itself is the secret, and no key is needed; its strategy’s page shows it, and lets a signature or a list of addresses be required. A body of plain text, like BUY NSE:SBIN 10, is taken as well, and what TradingView sends by itself.',
    security: [],
    parameters: [
      { name: 'webhookId', in: 'path', required: true, schema: { type: 'string' } },
      {
        name: 'X-Curfew-Timestamp',
        in: 'header',
        required: false,
        description: 'Seconds since 1970, where the strategy wants signatures',
        schema: { type: 'string' },
      },
      {
        name: 'X-Curfew-Signature',
        in: 'header',
        required: false,
        description: 'The signature, as the strategy’s page explains it',
        schema: { type: 'string' },
      },
    ],
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: describeInput(body),
          example: { action: 'buy', symbol: 'NSE:SBIN', quantity: 10 },
        },
        'text/plain': { schema: { type: 'string' }, example: 'BUY NSE:SBIN 10' },
      },
    },
    responses: {
      200: {
        description: 'The signal was accepted, or had been before',
        content: {
          'application/json': {
            schema: {
              type: 'object',
              required: ['status', 'signal'],
              properties: {
                status: { type: 'string', enum: ['accepted', 'duplicate'] },
                signal: { type: 'string', description: 'Its id, as GET /signals gives it' },
              },
            },
            example: { status: 'accepted', signal: '0b6f7d1c-2f55-4f1b-9a3c-6a0a6a3b9f10' },
          },
        },
      },
      ...referToErrors([
        'invalid',
        'forbidden',
        'not_found',
        'broker_reauth_required',
        'signal_refused',
        'too_large',
        'rate_limited',
        'unavailable',
      ]),
    },
  };
}
