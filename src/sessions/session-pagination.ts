import type { DeviceSession } from './session-data.ts';
import type { SessionCursor, SessionPage } from './session-storage.ts';

/** A session as an index names it. */
interface IndexEntry {
  readonly sid: string;
  readonly loginTime: number;
}

/** Makes a batch of what an index gave, newest first, and of those among it that could be used now. */
export function paginateSessions(
  entries: readonly IndexEntry[],
  live: ReadonlyMap<string, DeviceSession>,
  { from, limit }: { readonly from: SessionCursor | undefined; readonly limit: number },
): SessionPage {
  let cursor = from;
  const sessions = entries.flatMap(({ sid, loginTime }) => {
    const behind = { loginTime, skip: cursor?.loginTime === loginTime ? cursor.skip + 1 : 1 };
    cursor = behind;
    const device = live.get(sid);
    return device === undefined ? [] : [{ device, behind }];
  });
  return { sessions, next: entries.length < limit ? undefined : cursor };
}
