import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AuditLog, AuditOrigin } from '../core/audit-event.ts';
import { SYSTEM_ORIGIN } from '../core/audit-event.ts';
import { type BanCause, type BanLength, type BanRules, banEnd } from '../core/ban-policy.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { BanChange, Bus } from '../storage/bus.ts';
import type { AllowlistEntry, AllowlistStore } from './allowlist-store.ts';
import type { BanChangeResult } from './ban-change-store.ts';
import type { BanIndex } from './ban-index.ts';
import type { BanRuleStore } from './ban-rule-store.ts';
import type { Ban, BanStore, NewBan } from './ban-store.ts';
import type { ProtectedAddresses, WhyProtected } from './protected-addresses.ts';

export interface BanOrder {
  /** As `readBanSubject` gives it. */
  readonly subject: string;
  readonly note: string;
  readonly length: BanLength;
}

export type BanOutcome =
  | { readonly kind: 'banned'; readonly ban: Ban }
  | { readonly kind: 'protected'; readonly why: WhyProtected };

export interface ImportOutcome {
  readonly added: number;
  /** Were banned already. */
  readonly known: number;
  /** Cannot be banned. */
  readonly refused: readonly { readonly subject: string; readonly why: WhyProtected }[];
}

export type ImportedBan = Pick<Ban, 'subject' | 'note' | 'until'>;

/** A change of who may come in: stored, in force on this node, told to the others, and recorded: in this order. */
export interface Bans {
  /** Takes the place of a ban that there is already. */
  ban(order: BanOrder, origin: AuditOrigin): Promise<BanOutcome>;
  /** Undefined when there was no such ban. `forget`: the offences before it will not make the next one longer. */
  lift(subject: string, options: { readonly forget: boolean }, origin: AuditOrigin): Promise<Ban | undefined>;
  importAll(bans: readonly ImportedBan[], origin: AuditOrigin): Promise<ImportOutcome>;
  /** For its next offence, as long as the rules say; nothing for an address that is banned already. */
  banOffender(subject: string, cause: BanCause): Promise<void>;
  addToAllowlist(
    entry: Pick<AllowlistEntry, 'block' | 'note'>,
    origin: AuditOrigin,
  ): Promise<'added' | 'known_or_full'>;
  removeFromAllowlist(block: string, origin: AuditOrigin): Promise<boolean>;
  changeRules(change: Partial<BanRules>, origin: AuditOrigin): Promise<'saved' | 'unchanged'>;
  /** Removes bans that are over; returns how many. */
  removeOver(): Promise<number>;
}

export interface BansDeps {
  readonly banStore: BanStore;
  readonly ruleStore: BanRuleStore;
  readonly allowlistStore: AllowlistStore;
  readonly protectedAddresses: ProtectedAddresses;
  readonly banIndex: Pick<BanIndex, 'follow' | 'rules' | 'size'>;
  readonly bus: Pick<Bus, 'publish'>;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly log: Log;
}

export const MOST_ALLOWED = 200;

/** So many automatic bans fit in memory with ease; only a flood of addresses makes more. */
const MOST_AUTOMATIC = 100_000;
const OVER_AT_ONCE = 500;
/** As many as keep the event loop for some milliseconds. */
const IMPORTED_AT_ONCE = 250;

interface MutableOutcome {
  added: number;
  known: number;
  refused: { subject: string; why: WhyProtected }[];
}

export function createBans(deps: BansDeps): Bans {
  const { banStore, ruleStore, allowlistStore, protectedAddresses, banIndex, bus, audit, clock, log } = deps;

  /** A node that misses the message sees the version within seconds. */
  async function tell({ version }: BanChangeResult<unknown>, change?: BanChange): Promise<void> {
    await banIndex.follow(version, change);
    try {
      await bus.publish({ kind: 'bans.changed', version, ...(change === undefined ? {} : { change }) });
    } catch (error) {
      log.warn({ err: error }, 'Other nodes could not be told of a change of bans; they will find it');
    }
  }

  return {
    async ban({ subject, note, length }, origin) {
      const why = protectedAddresses.whyProtected(subject);
      if (why !== undefined) return { kind: 'protected', why };
      const now = clock.now();
      const order: NewBan = {
        subject,
        note,
        reason: 'manual',
        bannedBy: origin.actor,
        until: banEnd(length, now),
      };
      const done = await banStore.put(order, now);
      if (done === undefined) throw new Error('A ban was not stored');
      await tell(done, inForce(done.value));
      await audit.record(added(done.value), origin);
      return { kind: 'banned', ban: done.value };
    },

    async lift(subject, options, origin) {
      const done = await banStore.lift(subject, options, clock.now());
      if (done === undefined) return undefined;
      await tell(done, { subject, until: 'lifted' });
      const { reason } = done.value;
      await audit.record({ type: 'ban.lifted', subject, reason, forgotten: options.forget }, origin);
      return done.value;
    },

    importAll: createImport(deps, tell),

    async banOffender(subject, cause) {
      if (banIndex.size >= MOST_AUTOMATIC)
        return log.error({ bans: MOST_AUTOMATIC }, 'There are too many bans for another automatic one');
      const { ladder } = banIndex.rules();
      const done = await banStore.addOffence({ subject, cause, ladder }, clock.now());
      if (done === undefined) return;
      await tell(done, inForce(done.value));
      await audit.record(added(done.value), { ...SYSTEM_ORIGIN, address: subject });
      log.warn({ address: subject, cause, offence: done.value.offence }, 'An address was banned');
    },

    async addToAllowlist({ block, note }, origin) {
      const entry = { block, note, addedBy: origin.actor, addedAt: clock.now() };
      const done = await allowlistStore.add(entry, MOST_ALLOWED);
      if (done === undefined) return 'known_or_full';
      await tell(done);
      await audit.record({ type: 'allowlist.changed', before: undefined, after: { block, note } }, origin);
      return 'added';
    },

    async removeFromAllowlist(block, origin) {
      const done = await allowlistStore.remove(block);
      if (done === undefined) return false;
      await tell(done);
      const { note } = done.value;
      await audit.record({ type: 'allowlist.changed', before: { block, note }, after: undefined }, origin);
      return true;
    },

    async changeRules(change, origin) {
      const done = await ruleStore.write(change);
      if (done === undefined) return 'unchanged';
      await tell(done);
      await audit.record({ type: 'thresholds.changed', ...done.value }, origin);
      return 'saved';
    },

    async removeOver() {
      let removed = 0;
      for (;;) {
        const over = await banStore.removeOver(clock.now(), OVER_AT_ONCE);
        const events = over.map(({ subject, reason }) => ({ type: 'ban.expired', subject, reason }) as const);
        await audit.recordMany(events, SYSTEM_ORIGIN);
        removed += over.length;
        if (over.length < OVER_AT_ONCE) return removed;
      }
    },
  };
}

/** Tells the other nodes once, of the last batch that changed anything. */
function createImport(
  { banStore, protectedAddresses, audit, clock }: BansDeps,
  tell: (change: BanChangeResult<unknown>) => Promise<void>,
): Bans['importAll'] {
  /** A batch is a transaction of its own, so that others come in between; an import that is repeated finds these known. */
  async function importBatch(
    bans: readonly ImportedBan[],
    outcome: MutableOutcome,
    origin: AuditOrigin,
  ): Promise<BanChangeResult<unknown> | undefined> {
    const wanted: NewBan[] = [];
    for (const ban of bans) {
      const why = protectedAddresses.whyProtected(ban.subject);
      if (why === undefined) wanted.push({ ...ban, reason: 'imported', bannedBy: origin.actor });
      else outcome.refused.push({ subject: ban.subject, why });
    }
    const done = wanted.length === 0 ? undefined : await banStore.addMany(wanted, clock.now());
    const made = done?.value ?? [];
    outcome.added += made.length;
    outcome.known += wanted.length - made.length;
    await audit.recordMany(made.map(added), origin);
    return done;
  }

  return async function importAll(bans, origin) {
    const outcome: MutableOutcome = { added: 0, known: 0, refused: [] };
    let last: BanChangeResult<unknown> | undefined;
    try {
      for (let start = 0; start < bans.length; start += IMPORTED_AT_ONCE) {
        const batch = bans.slice(start, start + IMPORTED_AT_ONCE);
        last = (await importBatch(batch, outcome, origin)) ?? last;
        await nextTurn();
      }
    } finally {
      if (last !== undefined) await tell(last);
    }
    const { added: count, known, refused } = outcome;
    await audit.record({ type: 'bans.imported', added: count, known, refused: refused.length }, origin);
    return outcome;
  };
}

const inForce = ({ subject, until }: Ban): BanChange => ({
  subject,
  until: Number.isFinite(until) ? until : 'permanent',
});

function added({ subject, reason, note, offence, until }: Ban) {
  const isPermanent = !Number.isFinite(until);
  return {
    type: 'ban.added',
    subject,
    reason,
    note,
    offence,
    until: isPermanent ? 'permanent' : until,
  } as const;
}
