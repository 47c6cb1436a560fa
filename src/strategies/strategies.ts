import { randomUUID } from 'node:crypto';
import type { AuditEvent, AuditLog, AuditOrigin } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import { notFound } from '../errors.ts';
import type { InvalidateCached } from '../storage/cache-invalidator.ts';
import type { Cipher } from '../storage/key-ring.ts';
import { generateSigningSecret } from './signature.ts';
import type {
  StoredWebhook,
  Strategy,
  StrategyChange,
  StrategyDetails,
  StrategyStore,
} from './strategy-store.ts';
import { generateWebhookId, webhookDigest } from './webhook-id.ts';

/** More than one person can look after. */
export const MOST_STRATEGIES = 50;

/**
 * Users' acts on their strategies. Each is recorded, and has its effect on every node before it is answered.
 * Everything but `list` and `create` throws `not_found` for a strategy that is not this person's.
 */
export interface Strategies {
  list(userId: string): Promise<readonly Strategy[]>;
  require(userId: string, id: string): Promise<Strategy>;
  /** Switched off, and with a webhook of its own. */
  create(
    userId: string,
    details: StrategyDetails,
    origin: AuditOrigin,
  ): Promise<{ readonly kind: 'created'; readonly id: string } | { readonly kind: 'too_many' }>;
  change(userId: string, id: string, details: StrategyDetails, origin: AuditOrigin): Promise<void>;
  /** Twice is harmless. */
  setActive(userId: string, id: string, active: boolean, origin: AuditOrigin): Promise<void>;
  delete(userId: string, id: string, origin: AuditOrigin): Promise<void>;
  /** The id in the webhook's address; undefined when no key of ENCRYPTION_KEY reads it any more. */
  revealWebhook(strategy: Strategy): string | undefined;
  /** The old address leads nowhere from now on. */
  replaceWebhook(userId: string, id: string, origin: AuditOrigin): Promise<void>;
  /** From now on signals must be signed with the secret that is returned, and that is never to be had again. */
  replaceSigningSecret(userId: string, id: string, origin: AuditOrigin): Promise<string>;
  removeSigningSecret(userId: string, id: string, origin: AuditOrigin): Promise<void>;
  /** Addresses and CIDRs; empty lets any address send. */
  allowAddresses(
    userId: string,
    id: string,
    addresses: readonly string[],
    origin: AuditOrigin,
  ): Promise<void>;
}

export interface StrategiesDeps {
  readonly store: StrategyStore;
  readonly cipher: Cipher;
  readonly invalidateCached: InvalidateCached;
  readonly audit: AuditLog;
  readonly clock: Clock;
}

export function createStrategies(deps: StrategiesDeps): Strategies {
  const { store, cipher, invalidateCached, audit, clock } = deps;

  async function require(userId: string, id: string): Promise<Strategy> {
    const strategy = await store.find(userId, id);
    if (strategy === undefined) throw notFound();
    return strategy;
  }

  async function change(
    { userId, id, name }: Strategy,
    what: Extract<AuditEvent, { type: 'strategy.changed' }>['what'],
    to: StrategyChange,
    origin: AuditOrigin,
  ): Promise<void> {
    await store.change(userId, id, to, clock.now());
    await invalidateCached('strategy', userId);
    await audit.record({ type: 'strategy.changed', userId, strategy: { id, name }, what }, origin);
  }

  function createWebhook(): StoredWebhook {
    const webhookId = generateWebhookId();
    return { webhookDigest: webhookDigest(webhookId), webhookId: cipher.encrypt(webhookId) };
  }

  return {
    list: store.listByUser,
    require,

    async create(userId, details, origin) {
      const id = randomUUID();
      const strategy = { ...details, ...createWebhook(), id, userId };
      if ((await store.add(strategy, clock.now(), MOST_STRATEGIES)) === 'too_many')
        return { kind: 'too_many' };
      await audit.record({ type: 'strategy.created', userId, strategy: { id, name: details.name } }, origin);
      return { kind: 'created', id };
    },

    async change(userId, id, details, origin) {
      await change(await require(userId, id), 'details', details, origin);
    },

    async setActive(userId, id, active, origin) {
      const { name } = await require(userId, id);
      if (!(await store.setActive(userId, id, active, clock.now()))) return;
      await invalidateCached('strategy', userId);
      const type = active ? 'strategy.activated' : 'strategy.deactivated';
      await audit.record({ type, userId, strategy: { id, name } }, origin);
    },

    async delete(userId, id, origin) {
      const { name } = await require(userId, id);
      if (!(await store.markDeleted(userId, id, clock.now()))) return;
      await invalidateCached('strategy', userId);
      await audit.record({ type: 'strategy.deleted', userId, strategy: { id, name } }, origin);
    },

    revealWebhook({ webhookId }) {
      const decrypted = cipher.decrypt(webhookId);
      return decrypted.kind === 'ok' ? decrypted.text : undefined;
    },

    async replaceWebhook(userId, id, origin) {
      await change(await require(userId, id), 'webhook_address', createWebhook(), origin);
    },

    async replaceSigningSecret(userId, id, origin) {
      const strategy = await require(userId, id);
      const secret = generateSigningSecret();
      await change(strategy, 'signing_secret', { signingSecret: cipher.encrypt(secret) }, origin);
      return secret;
    },

    async removeSigningSecret(userId, id, origin) {
      await change(await require(userId, id), 'signing_secret', { signingSecret: undefined }, origin);
    },

    async allowAddresses(userId, id, allowedAddresses, origin) {
      await change(await require(userId, id), 'allowed_addresses', { allowedAddresses }, origin);
    },
  };
}
