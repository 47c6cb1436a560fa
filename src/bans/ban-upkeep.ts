import type { Clock } from '../core/clock.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import type { Log } from '../core/log.ts';
import { createPoller, type Poller } from '../core/poller.ts';
import type { BanHitStore } from './ban-hit-store.ts';
import { MOST_HITS } from './ban-hits.ts';
import type { BanIndex } from './ban-index.ts';
import type { BanStore } from './ban-store.ts';
import type { Bans } from './bans.ts';
import type { KnownAddresses } from './known-addresses.ts';

export interface BanUpkeep {
  readonly watches: readonly Pick<Poller, 'start' | 'stop'>[];
  /** Removes bans that are over, and what counts no more. */
  tidy(): Promise<void>;
}

export interface BanUpkeepDeps {
  readonly banIndex: Pick<BanIndex, 'refresh' | 'tidy' | 'rules'>;
  readonly bans: Pick<Bans, 'removeOver'>;
  readonly banStore: Pick<BanStore, 'forgetOffencesBefore'>;
  readonly hitStore: Pick<BanHitStore, 'trim'>;
  readonly knownAddresses: Pick<KnownAddresses, 'trim'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Messages are quicker; this is for those that were lost. */
const REFRESH_EVERY_MS = 5 * SECOND_MS;
const TIDY_EVERY_MS = MINUTE_MS;

/** After a year without an offence an address begins anew. */
const OFFENCES_KEPT_MS = 365 * DAY_MS;

export function createBanUpkeep(deps: BanUpkeepDeps): BanUpkeep {
  const { banIndex, bans, banStore, hitStore, knownAddresses, clock, log } = deps;

  async function tidy(): Promise<void> {
    banIndex.tidy();
    await bans.removeOver();
    await banStore.forgetOffencesBefore(clock.now() - OFFENCES_KEPT_MS);
    const windows = Object.values(banIndex.rules().thresholds).map(({ windowMs }) => windowMs);
    await hitStore.trim(clock.now() - Math.max(...windows), MOST_HITS);
    await knownAddresses.trim();
  }

  return {
    watches: [watch(REFRESH_EVERY_MS, banIndex.refresh, log), watch(TIDY_EVERY_MS, tidy, log)],
    tidy,
  };
}

/** An outage of an hour is one line, not one for each try. */
function watch(intervalMs: number, work: () => Promise<void>, log: Log): Poller {
  let failing = false;
  return createPoller({
    intervalMs,
    async work() {
      await work();
      failing = false;
    },
    onError(err) {
      if (!failing) log.warn({ err }, 'The bans could not be looked after; it is tried again until it works');
      failing = true;
    },
  });
}
