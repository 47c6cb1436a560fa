import type { FindCredential } from '../http/shown-credential.ts';
import type { StrategyReader } from './strategy-reader.ts';
import { isWebhookId, webhookDigest } from './webhook-id.ts';

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
