import type { Kysely, Selectable } from 'kysely';
import { z } from 'zod';
import { WEEKDAY_NAMES } from '../core/ist.ts';
import { PLATFORMS, type Platform, PRODUCTS, type StrategySymbol } from '../core/signal.ts';
import type { Database } from '../storage/database.ts';
import { readStoredJson } from '../storage/read-stored-json.ts';
import type { Schema, StrategiesTable } from '../storage/schema.ts';
import { takeUserLock } from '../storage/user-lock.ts';
import type { TradingHours } from './trading-window.ts';

/** The owner's entries in the form. */
export interface StrategyDetails {
  readonly name: string;
  readonly platform: Platform;
  readonly broker: string;
  readonly symbols: readonly StrategySymbol[];
  readonly hours: TradingHours;
}

export interface Strategy extends StrategyDetails {
  readonly id: string;
  readonly userId: string;
  readonly active: boolean;
  readonly version: number;
  /** Ciphertexts, both. */
  readonly webhookId: string;
  readonly signingSecret: string | undefined;
  /** Addresses and CIDRs; empty: any address. */
  readonly allowedAddresses: readonly string[];
  /** Milliseconds since the epoch. */
  readonly changedAt: number;
}

/** A webhook's address: what it is found by, and the ciphertext from which the owner is shown it. */
export interface StoredWebhook {
  readonly webhookDigest: string;
  readonly webhookId: string;
}

/** Facts that must be asked anew for every signal, because no message between nodes may be trusted with them. */
export interface StrategyIdentity {
  readonly id: string;
  readonly userId: string;
  readonly version: number;
  readonly active: boolean;
  readonly ownerDisabled: boolean;
}

export type StrategyWithOwner = Strategy & Pick<StrategyIdentity, 'ownerDisabled'>;

export interface NewStrategy extends StrategyDetails, StoredWebhook {
  readonly id: string;
  readonly userId: string;
}

/** People's strategies. Each call about one names its owner as well: another person's is not there. */
export interface StrategyStore {
  /** `too_many`: the person has `most` already. Of several at once each is counted. */
  add(strategy: NewStrategy, now: number, most?: number): Promise<'added' | 'too_many'>;
  /** By name. */
  listByUser(userId: string): Promise<readonly Strategy[]>;
  find(userId: string, id: string): Promise<Strategy | undefined>;
  /** The same as a signal finds it: by the digest of its webhook's id. */
  identify(webhookDigest: string): Promise<StrategyIdentity | undefined>;
  readById(id: string): Promise<StrategyWithOwner | undefined>;
  change(userId: string, id: string, change: StrategyChange, now: number): Promise<void>;
  /** False when it was so already. */
  setActive(userId: string, id: string, active: boolean, now: number): Promise<boolean>;
  /** Takes its secrets away, and hides it; false when it was gone already. */
  markDeleted(userId: string, id: string, now: number): Promise<boolean>;
  /** Those marked as deleted whose signals are all gone, at most `limit`; returns how many were removed. */
  removeDeleted(limit: number): Promise<number>;
}

export type StrategyChange =
  | StrategyDetails
  | StoredWebhook
  | { readonly signingSecret: string | undefined }
  | { readonly allowedAddresses: readonly string[] };

export function createStrategyStore({ db }: Database): StrategyStore {
  const owned = (userId: string, id: string) =>
    db
      .updateTable('strategies')
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .where('deleted_at', 'is', null);

  return {
    ...createStrategyReads(db),

    add: (strategy, now, most = Number.POSITIVE_INFINITY) =>
      db.transaction().execute(async (trx) => {
        await takeUserLock(trx, strategy.userId);
        const { count } = await trx
          .selectFrom('strategies')
          .select((select) => select.fn.countAll<number>().as('count'))
          .where('user_id', '=', strategy.userId)
          .where('deleted_at', 'is', null)
          .executeTakeFirstOrThrow();
        if (Number(count) >= most) return 'too_many';
        await trx.insertInto('strategies').values(toNewRow(strategy, now)).execute();
        return 'added';
      }),

    async change(userId, id, change, now) {
      await owned(userId, id)
        .set((eb) => ({ ...changedColumns(change), version: eb('version', '+', 1), changed_at: now }))
        .execute();
    },

    async setActive(userId, id, active, now) {
      const { numUpdatedRows } = await owned(userId, id)
        .where('active', '=', active ? 0 : 1)
        .set((eb) => ({ active: active ? 1 : 0, version: eb('version', '+', 1), changed_at: now }))
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },

    async markDeleted(userId, id, now) {
      const { numUpdatedRows } = await owned(userId, id)
        .set((eb) => ({
          active: 0,
          version: eb('version', '+', 1),
          webhook_digest: `deleted:${id}`,
          webhook_id: null,
          signing_secret: null,
          deleted_at: now,
        }))
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },

    async removeDeleted(limit) {
      const { numDeletedRows } = await db
        .deleteFrom('strategies')
        .where('id', 'in', (eb) =>
          eb
            .selectFrom('strategies as gone')
            .select('gone.id')
            .where('gone.deleted_at', 'is not', null)
            .where(({ not, exists, selectFrom }) =>
              not(exists(selectFrom('signals').select('id').whereRef('strategy_id', '=', 'gone.id'))),
            )
            .limit(limit),
        )
        .executeTakeFirst();
      return Number(numDeletedRows);
    },
  };
}

function createStrategyReads(
  db: Kysely<Schema>,
): Pick<StrategyStore, 'listByUser' | 'find' | 'identify' | 'readById'> {
  /** Without those that are deleted. */
  const strategies = () =>
    db.selectFrom('strategies').selectAll('strategies').where('deleted_at', 'is', null);

  return {
    async listByUser(userId) {
      const rows = await strategies()
        .where('user_id', '=', userId)
        .orderBy('name')
        .orderBy('created_at')
        .execute();
      return rows.map(toStrategy);
    },

    async find(userId, id) {
      const row = await strategies().where('id', '=', id).where('user_id', '=', userId).executeTakeFirst();
      return row === undefined ? undefined : toStrategy(row);
    },

    async identify(webhookDigest) {
      const row = await db
        .selectFrom('strategies')
        .innerJoin('users', 'users.id', 'strategies.user_id')
        .select([
          'strategies.id',
          'strategies.user_id',
          'strategies.version',
          'strategies.active',
          'users.disabled',
        ])
        .where('webhook_digest', '=', webhookDigest)
        .where('deleted_at', 'is', null)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      const { id, user_id, version, active, disabled } = row;
      return { id, userId: user_id, version, active: active === 1, ownerDisabled: disabled === 1 };
    },

    async readById(id) {
      const row = await strategies()
        .innerJoin('users', 'users.id', 'strategies.user_id')
        .select('users.disabled')
        .where('strategies.id', '=', id)
        .executeTakeFirst();
      return row === undefined ? undefined : { ...toStrategy(row), ownerDisabled: row.disabled === 1 };
    },
  };
}

function toNewRow({ id, userId, webhookDigest, webhookId, ...details }: NewStrategy, now: number) {
  return {
    ...toColumns(details),
    id,
    user_id: userId,
    webhook_digest: webhookDigest,
    webhook_id: webhookId,
    signing_secret: null,
    allowed_addresses: '[]',
    active: 0 as const,
    version: 1,
    created_at: now,
    changed_at: now,
    deleted_at: null,
  };
}

function changedColumns(change: StrategyChange) {
  if ('name' in change) return toColumns(change);
  if ('webhookDigest' in change)
    return { webhook_digest: change.webhookDigest, webhook_id: change.webhookId };
  if ('signingSecret' in change) return { signing_secret: change.signingSecret ?? null };
  return { allowed_addresses: JSON.stringify(change.allowedAddresses) };
}

function toColumns({ name, platform, broker, symbols, hours }: StrategyDetails) {
  return {
    name,
    platform,
    broker,
    symbols: JSON.stringify(symbols),
    trading_days: hours.days.join(),
    opens_at: hours.opensAt,
    closes_at: hours.closesAt,
  };
}

const storedSymbols = z.array(
  z.object({
    exchange: z.string(),
    tradingSymbol: z.string(),
    quantity: z.number(),
    product: z.enum(PRODUCTS),
  }),
);
/** No address lets in any; a list that can't be read lets in none. */
const NO_ADDRESS = ['0.0.0.0'];

function toStrategy(row: Selectable<StrategiesTable>): Strategy {
  const days = row.trading_days.split(',');
  return {
    id: row.id,
    userId: row.user_id,
    name: row.name,
    platform: PLATFORMS.find((known) => known === row.platform) ?? 'other',
    broker: row.broker,
    symbols: readStoredJson(row.symbols, storedSymbols, []),
    hours: {
      days: WEEKDAY_NAMES.filter((day) => days.includes(day)),
      opensAt: row.opens_at,
      closesAt: row.closes_at,
    },
    active: row.active === 1,
    version: row.version,
    webhookId: row.webhook_id ?? '',
    signingSecret: row.signing_secret ?? undefined,
    allowedAddresses: readStoredJson(row.allowed_addresses, z.array(z.string()), NO_ADDRESS),
    changedAt: row.changed_at,
  };
}
