import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TrafficFilter } from './traffic-filter.ts';
import {
  needsLooking,
  type StoredTraffic,
  type TrafficCursor,
  type TrafficSearchStore,
} from './traffic-search-store.ts';

export interface TrafficPage {
  readonly entries: readonly StoredTraffic[];
  /** Where the next page begins; undefined when there is nothing behind this one. */
  readonly next: TrafficCursor | undefined;
  /** How far it was looked, where that was not far enough to fill the page. */
  readonly lookedBackTo: number | undefined;
}

export interface TrafficPageRequest {
  readonly filter: TrafficFilter;
  readonly after: TrafficCursor | undefined;
  readonly limit: number;
  /** Entries to look at; the next page goes on from there. */
  readonly mostLookedAt: number;
}

type Store = Pick<TrafficSearchStore, 'list' | 'cursorBehind'>;

/** SQLite looks at so many within one turn of the event loop: some milliseconds, in which no other request is answered. */
const BATCH = 20_000;

/**
 * One page. What no index finds is looked for in batches, and not further than the request allows: a search is answered in
 * the same time however long the log is.
 */
export async function findTraffic(
  store: Store,
  { filter, after, limit, mostLookedAt }: TrafficPageRequest,
): Promise<TrafficPage> {
  const entries: StoredTraffic[] = [];
  const batch = Math.min(BATCH, mostLookedAt);
  let cursor = after;
  for (let lookedAt = 0; ; ) {
    const through = needsLooking(filter) ? await store.cursorBehind(filter, cursor, batch) : undefined;
    // One more than the page takes tells whether there is a next one.
    entries.push(...(await store.list(filter, { after: cursor, through }, limit + 1 - entries.length)));
    if (entries.length > limit) return fullPage(entries.slice(0, limit));
    if (through === undefined) return { entries, next: undefined, lookedBackTo: undefined };
    cursor = through;
    lookedAt += batch;
    if (lookedAt >= mostLookedAt) return { entries, next: cursor, lookedBackTo: cursor.at };
    await nextTurn();
  }
}

/** Everything that fits, newest first, in batches, with a turn for others between them. */
export async function* streamTraffic(
  store: Store,
  filter: TrafficFilter,
): AsyncGenerator<readonly StoredTraffic[]> {
  for (let after: TrafficCursor | undefined; ; ) {
    const page = await findTraffic(store, { filter, after, limit: EXPORTED_AT_ONCE, mostLookedAt: BATCH });
    if (page.entries.length > 0) yield page.entries;
    if (page.next === undefined) return;
    after = page.next;
    await nextTurn();
  }
}

const EXPORTED_AT_ONCE = 500;

function fullPage(entries: readonly StoredTraffic[]): TrafficPage {
  return { entries, next: entries.at(-1), lookedBackTo: undefined };
}
