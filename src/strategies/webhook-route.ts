import express, { type Request, type Response, Router } from 'express';
import { AppError, notFound } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { clientAddress } from '../http/client-address.ts';
import { methods } from '../http/methods.ts';
import type { FindCredential } from '../http/shown-credential.ts';
import { answerTo } from './refusal-answer.ts';
import type { IntakeResult, SignalIntake } from './signal-intake.ts';
import type { StrategyReader } from './strategy-reader.ts';
import { isWebhookId, webhookDigest } from './webhook-id.ts';

const LARGEST_BODY = '16kb';

/** As the body is signed as it was sent, it is read under any Content-Type, and never unpacked. */
const readRawBody = express.raw({ type: () => true, limit: LARGEST_BODY, inflate: false });

export interface WebhookRouterDeps {
  readonly takeSignal: SignalIntake;
  /** Counts a request for a webhook that there is not. Throws `rate_limited` when that is one too many. */
  readonly countStranger: (req: Request, res: Response) => void;
}

/** POST /api/v1/webhooks/:webhookId. Mounted in front of everything that parses bodies or loads sessions. */
export function createWebhookRouter({ takeSignal, countStranger }: WebhookRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  methods(router, '/api/v1/webhooks/:webhookId', {
    post: [
      readRawBody,
      async function receiveSignal(req, res) {
        const delivery = {
          address: clientAddress(req),
          timestamp: req.get('x-curfew-timestamp'),
          signature: req.get('x-curfew-signature'),
          // Without a body there is no Buffer either.
          body: Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0),
        };
        const origin = auditOrigin(req, res, 'webhook');
        const result = await takeSignal(webhookIdOf(req), delivery, origin);
        if (result.kind === 'unknown_webhook') countStranger(req, res);
        answer(res, result);
      },
    ],
  });
  return router;
}

const webhookIdOf = (req: Request): string => String(req.params['webhookId']);

function answer(res: Response, result: IntakeResult): void {
  res.set('Cache-Control', 'no-store');
  switch (result.kind) {
    case 'accepted':
    case 'duplicate':
      res.json({ status: result.kind, signal: result.signalId });
      break;
    case 'unknown_webhook':
      throw notFound();
    case 'rate_limited':
      throw new AppError('rate_limited', 'Too many signals to this address. Try again later.', {
        retryAfterSeconds: result.retryAfterSeconds,
      });
    case 'refused': {
      const { status, error, reason, message } = answerTo(result.why);
      res.status(status).json({ status: 'error', error, message, reason, fields: result.fields });
    }
  }
}

const PATH = /^\/api\/v1\/webhooks\/([^/]+)\/?$/;

/** Finds the webhook of an active strategy. What the strategy asks of its sender, the intake of signals checks. */
export function createShownWebhook(reader: Pick<StrategyReader, 'find'>): FindCredential {
  return function findShownWebhook(req) {
    const [, webhookId] = PATH.exec(req.path) ?? [];
    if (req.method !== 'POST' || webhookId === undefined || !isWebhookId(webhookId)) return undefined;
    return {
      id: webhookDigest(webhookId),
      isGuessable: true,
      isGood: async () => (await reader.find(webhookId))?.active === true,
    };
  };
}
