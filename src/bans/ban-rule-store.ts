import { z } from 'zod';
import { type AlertThresholds, DEFAULT_ALERT_THRESHOLDS } from '../core/alert.ts';
import { BAN_LENGTHS, type BanRules } from '../core/ban-policy.ts';
import type { Database } from '../storage/database.ts';
import { readStoredJson } from '../storage/read-stored-json.ts';
import { type BanChangeResult, changeBans } from './ban-change-store.ts';
import { DEFAULT_BAN_RULES } from './default-ban-rules.ts';

export interface BanRuleStore {
  read(): Promise<BanRules>;
  /** Answers what they were before and are now; undefined when they are the same. */
  write(
    change: Partial<BanRules>,
  ): Promise<BanChangeResult<{ readonly before: BanRules; readonly after: BanRules }> | undefined>;
}

const threshold = z.object({
  automatic: z.boolean(),
  count: z.int().positive(),
  windowMs: z.int().positive(),
});

const alertThresholds: z.ZodType<AlertThresholds> = z.object({
  slowMs: z.number().positive(),
  failedPercent: z.number().nonnegative(),
  refusedPercent: z.number().nonnegative(),
  addresses: z.int().positive(),
  eventLoopMs: z.number().positive(),
  droppedRows: z.int().nonnegative(),
  revocationMinutes: z.number().positive(),
});

const storedRules: z.ZodType<BanRules> = z.object({
  thresholds: z.object({ invalid_api_keys: threshold, suspicious_paths: threshold }),
  ladder: z.array(z.enum(BAN_LENGTHS)).min(1),
  suspiciousPaths: z.array(z.string()),
  // Rules of a version before alerts had thresholds are without them.
  alerts: alertThresholds.default(DEFAULT_ALERT_THRESHOLDS),
});

export function createBanRuleStore(database: Database): BanRuleStore {
  return {
    async read() {
      const row = await database.db.selectFrom('ban_state').select('rules').executeTakeFirst();
      return parse(row?.rules);
    },

    write: (change) =>
      changeBans(database, async (trx) => {
        const row = await trx.selectFrom('ban_state').select('rules').executeTakeFirst();
        const before = parse(row?.rules);
        const after = storedRules.parse({ ...before, ...change });
        const text = JSON.stringify(after);
        if (JSON.stringify(before) === text) return undefined;
        await trx.updateTable('ban_state').set({ rules: text }).execute();
        return { before, after };
      }),
  };
}

/** Rules that this version cannot read are a later one's: the defaults apply. */
function parse(text: string | null | undefined): BanRules {
  if (text === null || text === undefined) return DEFAULT_BAN_RULES;
  return readStoredJson(text, storedRules, DEFAULT_BAN_RULES);
}
