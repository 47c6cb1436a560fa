import type { SessionData } from 'express-session';
import type { Clock } from '../../../src/core/clock.ts';
import type { CutoffCalendar } from '../../../src/core/cutoff.ts';
import { fromIso } from '../../../src/core/ist.ts';
import type { RevocationReason } from '../../../src/core/revocation.ts';
import { createActivity } from '../../../src/sessions/activity.ts';
import { countBy } from '../../../src/sessions/count-by.ts';
import type { DatabaseSessionStore } from '../../../src/sessions/database/database-session-store.ts';
import type { SessionRows } from '../../../src/sessions/database/session-row-store.ts';
import { toDeviceSession } from '../../../src/sessions/device-session.ts';
import { createPersistedSessions } from '../../../src/sessions/persisted-sessions.ts';
import type { DeviceSession } from '../../../src/sessions/session-data.ts';
import { tellsOfCutoff } from '../../../src/sessions/session-id.ts';
import type { SessionLifetime } from '../../../src/sessions/session-lifetime.ts';
import { paginateSessions } from '../../../src/sessions/session-pagination.ts';
import {
  ENDINGS_KEPT_MS,
  type SessionRegistry,
  type SessionStorage,
} from '../../../src/sessions/session-storage.ts';
import { createUnreadableSessions, parseStoredSession } from '../../../src/sessions/stored-session.ts';
import type { Pause } from './pause.ts';

interface IndexEntry {
  readonly userId: string;
  readonly epoch: number;
  readonly loginTime: number;
  lastSeen: number;
  ownIdleMs: number | undefined;
}

/** What is stored, for all nodes. A copy of it is a snapshot. */
export interface MemorySessions {
  bodies: Map<string, string>;
  index: Map<string, IndexEntry>;
  endings: Map<string, { readonly reason: RevocationReason; readonly forgetAt: number }>;
}

export function createMemorySessions(): MemorySessions {
  return { bodies: new Map(), index: new Map(), endings: new Map() };
}

export interface MemorySessionDeps {
  readonly stored: MemorySessions;
  /** As in Redis: entered before the body is stored, and ended after it. Otherwise the body's row is its own index. */
  readonly indexedApart: boolean;
  readonly clock: Clock;
  readonly calendar: CutoffCalendar;
  readonly lifetime: SessionLifetime;
  readonly onError: (error: unknown) => void;
  /** Throws while the store may not be read: it may have come back with older data. */
  readonly gate: { pass(): void };
  readonly pause: Pause;
  readonly Store: typeof DatabaseSessionStore;
}

const BATCH = 500;

/** As a row's `last_seen` after its session was refused as idle: it stays so where a clock comes back. */
const IDLE_FOR_GOOD = 0;

/** The sessions in memory: the statements on single ones, behind the real store of express-session, and the registry. */
export function createMemorySessionStorage(deps: MemorySessionDeps): SessionStorage {
  const { stored, indexedApart, clock, calendar, lifetime, onError, gate, Store } = deps;
  const unreadable = createUnreadableSessions(onError);
  const rows = createRows();
  const marks = createPersistedSessions();

  async function reach(where: string): Promise<void> {
    await deps.pause(where);
    gate.pass();
  }

  function createRows(): SessionRows {
    const activity = createActivity({
      clock,
      idleLimitMs: lifetime.idleLimitMs,
      onError,
      async write(sid, lastSeen) {
        await reach('touch');
        const entry = stored.index.get(sid);
        if (entry !== undefined && entry.lastSeen > IDLE_FOR_GOOD)
          entry.lastSeen = Math.max(entry.lastSeen, lastSeen);
      },
    });

    function loadNow(sid: string): SessionData | undefined {
      const body = stored.bodies.get(sid);
      if (body === undefined) return undefined;
      if (isLive(sid)) return JSON.parse(body);
      const entry = stored.index.get(sid);
      if (entry !== undefined) entry.lastSeen = IDLE_FOR_GOOD;
      return undefined;
    }

    async function load(sid: string): Promise<SessionData | undefined> {
      await reach('load a session');
      return loadNow(sid);
    }

    return {
      activity,
      unreadable,
      parse: (_sid, body) => parseStoredSession(body),
      load,
      async use(sid) {
        await reach('load a session');
        const session = loadNow(sid);
        const entry = stored.index.get(sid);
        if (session !== undefined && entry !== undefined && activity.noteUse(sid))
          entry.lastSeen = clock.now();
        return session;
      },
      async insert(sid, session) {
        await reach('store a session');
        if (stored.bodies.has(sid)) return false;
        stored.bodies.set(sid, JSON.stringify(session));
        const { userId, epoch, loginTime } = session;
        if (!indexedApart) enter(sid, { userId, epoch, loginTime: fromIso(loginTime) });
        activity.noteWritten(sid);
        return true;
      },
      async update(sid, session) {
        await reach('store a session again');
        if (!stored.bodies.has(sid)) return false;
        stored.bodies.set(sid, JSON.stringify(session));
        return true;
      },
      async remove(sid) {
        await reach('destroy a session');
        stored.bodies.delete(sid);
        if (!indexedApart) stored.index.delete(sid);
      },
    };
  }

  function enter(sid: string, facts: Pick<IndexEntry, 'userId' | 'epoch' | 'loginTime'>): void {
    stored.index.set(sid, { ...facts, lastSeen: clock.now(), ownIdleMs: undefined });
  }

  function isLive(sid: string): boolean {
    const entry = stored.index.get(sid);
    const lastSeen = entry?.lastSeen ?? clock.now();
    return lifetime.remainingMs(lastSeen, entry?.ownIdleMs) > 0;
  }

  /** Oldest first; at the same instant by id, as an index has them. */
  function entries(
    isMeant: (entry: IndexEntry) => boolean = () => true,
  ): readonly (readonly [string, IndexEntry])[] {
    return [...stored.index]
      .filter(([, entry]) => isMeant(entry))
      .sort(([one, a], [other, b]) => a.loginTime - b.loginTime || (one < other ? -1 : 1));
  }

  function toDevices(found: readonly (readonly [string, IndexEntry])[]): readonly DeviceSession[] {
    return found.flatMap(([sid, { lastSeen }]) => {
      const body = stored.bodies.get(sid);
      if (body === undefined || !isLive(sid)) return [];
      const device = toDeviceSession(sid, JSON.parse(body), lastSeen);
      return calendar.isPast(device.loginTime) ? [] : [device];
    });
  }

  async function end(sids: readonly string[], reason: RevocationReason): Promise<number> {
    if (sids.length === 0) return 0;
    await reach('end sessions');
    const ended = sids.filter((sid) => stored.bodies.delete(sid));
    if (indexedApart) await reach('forget ended sessions');
    const remembered = (indexedApart ? sids : ended).filter((sid) => !tellsOfCutoff(sid, calendar.last()));
    for (const sid of remembered)
      if (!stored.endings.has(sid))
        stored.endings.set(sid, { reason, forgetAt: clock.now() + ENDINGS_KEPT_MS });
    for (const sid of sids) stored.index.delete(sid);
    return ended.length;
  }

  async function find(isMeant: (entry: IndexEntry) => boolean, limit?: number): Promise<readonly string[]> {
    await reach('find sessions');
    return entries(isMeant)
      .slice(0, limit)
      .map(([sid]) => sid);
  }

  const isIdle = ({ lastSeen, ownIdleMs }: IndexEntry): boolean => lastSeen <= lifetime.idleSince(ownIdleMs);

  const registry: SessionRegistry = {
    async register({ sid, userId, epoch, loginTime }) {
      if (!indexedApart) return;
      await reach('enter a session');
      enter(sid, { userId, epoch, loginTime });
    },

    async listByUser(userId) {
      await reach('list devices');
      return toDevices(entries((entry) => entry.userId === userId));
    },

    async *listAll() {
      await reach('list sessions');
      const all = entries();
      for (let from = 0; from < all.length; from += BATCH) yield toDevices(all.slice(from, from + BATCH));
    },

    async countLive() {
      await reach('count sessions');
      const devices = toDevices(entries());
      return { sessions: devices.length, people: new Set(devices.map(({ userId }) => userId)).size };
    },

    async listNewest(from, limit) {
      await reach('list sessions');
      const skip = from?.skip ?? 0;
      const found = entries(({ loginTime }) => loginTime <= (from?.loginTime ?? Number.POSITIVE_INFINITY))
        .toReversed()
        .slice(skip, skip + limit);
      const devices = new Map(toDevices(found).map((device) => [device.sid, device]));
      const named = found.map(([sid, { loginTime }]) => ({ sid, loginTime }));
      return paginateSessions(named, devices, { from, limit });
    },

    countBefore: async (before) => (await find(({ loginTime }) => loginTime < before)).length,

    end,

    endThroughEpoch: async (userId, epoch, reason) =>
      end(await find((entry) => entry.userId === userId && entry.epoch <= epoch), reason),

    endStale: async (userId, before, reason) =>
      end(await find((entry) => entry.userId === userId && entry.loginTime < before), reason),

    async *endAllBefore(before, reason) {
      for (;;) {
        const sids = await find(({ loginTime }) => loginTime < before, BATCH);
        if (sids.length === 0) return;
        const owners = sids.map((sid) => stored.index.get(sid)?.userId ?? '');
        await end(sids, reason);
        yield countBy(owners);
      }
    },

    findIdle: (limit) => find(isIdle, limit),

    async isUsable(sid) {
      return (await rows.load(sid)) !== undefined;
    },

    async isIndexed(sid) {
      await reach('look for a session');
      return stored.index.has(sid);
    },

    async lastSeen(sid) {
      await reach('look for a session');
      return stored.bodies.has(sid) ? stored.index.get(sid)?.lastSeen : undefined;
    },

    async endingOf(sid) {
      await reach('look for an ending');
      const entry = stored.index.get(sid);
      return stored.endings.get(sid)?.reason ?? (entry !== undefined && isIdle(entry) ? 'idle' : undefined);
    },

    async setIdleLimit(userId, ownIdleMs) {
      await reach('set idle limits');
      for (const [, entry] of entries((each) => each.userId === userId)) entry.ownIdleMs = ownIdleMs;
    },

    async ownIdleLimit(sid) {
      await reach('look for an idle limit');
      return stored.index.get(sid)?.ownIdleMs;
    },

    async setRole(userId, role) {
      await reach('set a role');
      for (const [sid] of entries((entry) => entry.userId === userId)) {
        const body = stored.bodies.get(sid);
        if (body !== undefined) stored.bodies.set(sid, JSON.stringify({ ...JSON.parse(body), role }));
      }
    },

    applyPolicy: () => Promise.resolve(),

    tidy() {
      for (const [sid, { forgetAt }] of stored.endings)
        if (forgetAt < clock.now()) stored.endings.delete(sid);
      return Promise.resolve();
    },

    flush: (options) => rows.activity.flush(options),
  };

  return {
    activeStore: new Store(rows, marks, (sid) => rows.use(sid)),
    passiveStore: new Store(rows, marks, (sid) => rows.load(sid)),
    registry,
    unreadable,
  };
}
