import { readAllowedAddress } from '../../http/allowed-address.ts';
import { deviceName } from '../../sessions/device-view.ts';
import type { DeviceSession } from '../../sessions/session-data.ts';
import type { SessionCursor, SessionRegistry } from '../../sessions/session-storage.ts';

export interface SessionSearch {
  /** A part of a username or an email address; '' for all people. */
  readonly person: string;
  /** A part of an address or of what a device is called; '' for all. */
  readonly text: string;
  /** Where to go on; undefined for the newest. */
  readonly from: SessionCursor | undefined;
}

export interface FoundSessions {
  /** Newest first. */
  readonly devices: readonly DeviceSession[];
  /** Where the next page begins; undefined when everything was looked through. */
  readonly next: SessionCursor | undefined;
  /** Whether the search stopped for now, with sessions left that it has not looked at and room on the page. */
  readonly isPaused: boolean;
  /** More people than these fit what was typed. */
  readonly hasMorePeople: boolean;
}

export interface SessionSearchDeps {
  readonly registry: Pick<SessionRegistry, 'listNewest' | 'listByUser'>;
  /** The ids of those whose name or email address holds a text, at most so many, and how many there are. */
  readonly findPeople: (
    text: string,
    limit: number,
  ) => Promise<{ readonly userIds: readonly string[]; readonly total: number }>;
}

export const PAGE_SIZE = 50;
const PEOPLE_AT_ONCE = 50;
/** Addresses and devices stand in no index: so many sessions are looked at for one page, some tens of milliseconds. */
const LOOKED_AT_ONCE = 2_500;
const BATCH = 500;

/**
 * Finds sessions without reading all of them: a person's by the index of people, the rest in the order of the index, a
 * bounded number for each page.
 */
export function createSessionSearch({ registry, findPeople }: SessionSearchDeps) {
  async function findOfPeople({ person, text }: SessionSearch): Promise<FoundSessions> {
    const { userIds, total } = await findPeople(person, PEOPLE_AT_ONCE);
    const found = await Promise.all(userIds.map((userId) => registry.listByUser(userId)));
    const devices = found
      .flat()
      .filter(matcherOf(text))
      .sort((a, b) => b.loginTime - a.loginTime);
    return { devices, next: undefined, isPaused: false, hasMorePeople: total > userIds.length };
  }

  async function findOfAll({ text, from }: SessionSearch): Promise<FoundSessions> {
    const fits = matcherOf(text);
    const batch = text === '' ? PAGE_SIZE : BATCH;
    const devices: DeviceSession[] = [];
    let cursor = from;
    for (let lookedAt = 0; lookedAt < LOOKED_AT_ONCE; lookedAt += batch) {
      const { sessions, next } = await registry.listNewest(cursor, batch);
      for (const { device, behind } of sessions) {
        if (!fits(device)) continue;
        if (devices.length === PAGE_SIZE) return { ...ONE_PAGE, devices, next: cursor };
        devices.push(device);
        cursor = behind;
      }
      if (next === undefined) return { ...ONE_PAGE, devices, next: undefined };
      cursor = next;
      if (devices.length === PAGE_SIZE) return { ...ONE_PAGE, devices, next };
    }
    return { ...ONE_PAGE, devices, next: cursor, isPaused: true };
  }

  return (search: SessionSearch): Promise<FoundSessions> =>
    search.person === '' ? findOfAll(search) : findOfPeople(search);
}

const ONE_PAGE = { isPaused: false, hasMorePeople: false } as const;

/** Reading a User-Agent takes longer than all the rest, and a thousand sessions have a dozen of them. */
function matcherOf(text: string): (device: DeviceSession) => boolean {
  if (text === '') return () => true;
  const wanted = (readAllowedAddress(text) ?? text).toLowerCase();
  const names = new Map<string, boolean>();
  return ({ address, userAgent }) => {
    let named = names.get(userAgent);
    if (named === undefined) {
      named = deviceName(userAgent).toLowerCase().includes(wanted);
      names.set(userAgent, named);
    }
    return named || address.toLowerCase().includes(wanted);
  };
}
