import { type BanRules, isBanOver } from '../core/ban-policy.ts';
import type { Clock } from '../core/clock.ts';
import { isAllowedAddress } from '../http/allowed-address.ts';
import type { BanChange } from '../storage/bus.ts';
import type { AllowlistStore } from './allowlist-store.ts';
import type { BanRuleStore } from './ban-rule-store.ts';
import type { BanStore } from './ban-store.ts';
import { DEFAULT_BAN_RULES } from './default-ban-rules.ts';
import { createSuspicion, type IsSuspicious } from './suspicious-path.ts';

/** A copy in memory of what every request is held against. Bans end in it by the clock. */
export interface BanIndex {
  /** Of a subject, as `addressBucket` gives it. */
  isBanned(subject: string): boolean;
  /** How many are, and some that are over and not tidied up yet. Zero: no address needs a look-up. */
  readonly size: number;
  /** In force at this moment. */
  countActive(): number;
  isAllowed(address: string): boolean;
  rules(): BanRules;
  readonly isSuspicious: IsSuspicious;
  /** Whether it was ever read. */
  readonly isLoaded: boolean;
  /** Reads everything anew; a call meanwhile makes it once more. Rejects when the database does not answer. */
  load(): Promise<void>;
  /** Reads everything anew if something has changed that this node was not told of. */
  refresh(): Promise<void>;
  /** Takes over one change, or reads everything where others must have been missed, or no change is named. */
  follow(version: number, change?: BanChange): Promise<void>;
  /** Drops what is over. */
  tidy(): void;
}

export interface BanIndexDeps {
  readonly banStore: Pick<BanStore, 'listAll'>;
  readonly ruleStore: Pick<BanRuleStore, 'read'>;
  readonly allowlistStore: Pick<AllowlistStore, 'list'>;
  readonly readVersion: () => Promise<number>;
  readonly clock: Clock;
}

export function createBanIndex(deps: BanIndexDeps): BanIndex {
  const { banStore, ruleStore, allowlistStore, readVersion, clock } = deps;
  let bans = new Map<string, number>();
  let allowed: readonly string[] = [];
  let rules = DEFAULT_BAN_RULES;
  let isSuspicious = createSuspicion(rules.suspiciousPaths);
  let known: number | undefined;
  /** The last count, and until when it is right if nothing changes. */
  let counted: { readonly active: number; readonly until: number } | undefined;
  let loading: Promise<void> | undefined;
  let wantedAgain = false;

  function load(): Promise<void> {
    if (loading !== undefined) wantedAgain = true;
    loading ??= readUntilStill();
    return loading;
  }

  async function readUntilStill(): Promise<void> {
    try {
      do {
        wantedAgain = false;
        await readAll();
      } while (wantedAgain);
    } finally {
      // Cleared before the callers continue: a call in between must start a new load.
      loading = undefined;
    }
  }

  /** The version first: what is read may be newer than it says, and the change in question is then taken over twice. */
  async function readAll(): Promise<void> {
    const version = await readVersion();
    const fresh = new Map<string, number>();
    for await (const batch of banStore.listAll(clock.now()))
      for (const { subject, until } of batch) fresh.set(subject, until);
    const blocks = (await allowlistStore.list()).map(({ block }) => block);
    rules = await ruleStore.read();
    isSuspicious = createSuspicion(rules.suspiciousPaths);
    bans = fresh;
    counted = undefined;
    allowed = blocks;
    known = version;
  }

  function apply({ subject, until }: BanChange): void {
    counted = undefined;
    if (until === 'lifted') bans.delete(subject);
    else bans.set(subject, until === 'permanent' ? Number.POSITIVE_INFINITY : until);
  }

  function countAt(now: number): { readonly active: number; readonly until: number } {
    let active = 0;
    let firstEnd = Number.POSITIVE_INFINITY;
    for (const until of bans.values()) {
      if (isBanOver(until, now)) continue;
      active += 1;
      if (until < firstEnd) firstEnd = until;
    }
    return { active, until: firstEnd };
  }

  return {
    isBanned(subject) {
      const until = bans.get(subject);
      return until !== undefined && !isBanOver(until, clock.now());
    },
    get size() {
      return bans.size;
    },
    countActive() {
      const now = clock.now();
      if (counted === undefined || isBanOver(counted.until, now)) counted = countAt(now);
      return counted.active;
    },
    isAllowed: (address) => isAllowedAddress(allowed, address),
    rules: () => rules,
    isSuspicious: (path) => isSuspicious(path),
    get isLoaded() {
      return known !== undefined;
    },
    load,
    async refresh() {
      if (known === undefined || (await readVersion()) !== known) await load();
    },
    async follow(version, change) {
      if (loading !== undefined) return load();
      // An index that was never read will be read with this change in it.
      if (known === undefined || version <= known) return;
      if (change === undefined || version > known + 1) return load();
      apply(change);
      known = version;
    },
    tidy() {
      const now = clock.now();
      for (const [subject, until] of bans) if (isBanOver(until, now)) bans.delete(subject);
    },
  };
}
