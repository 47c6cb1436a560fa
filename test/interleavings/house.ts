import { AsyncLocalStorage } from 'node:async_hooks';
import session from 'express-session';
import { type AuditLog, SYSTEM_ORIGIN } from '../../src/core/audit-event.ts';
import type { CachedStrategy } from '../../src/core/cached-values.ts';
import type { CutoffCalendar } from '../../src/core/cutoff.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../src/core/duration.ts';
import { isPastCutoff } from '../../src/core/expiry.ts';
import type { Log } from '../../src/core/log.ts';
import type { CompoundLimiter } from '../../src/http/compound-limiter.ts';
import { createSessionIdIssuer } from '../../src/sessions/session-id-issuer.ts';
import { createSessionLifetime } from '../../src/sessions/session-lifetime.ts';
import { createActing } from '../../src/storage/acting.ts';
import { createSignalCounts } from '../../src/strategies/signal-metrics.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { createMemoryDatabase, type Flavour, lockStatement, statement } from './doubles/memory-database.ts';
import {
  createMemoryEpochStore,
  createMemoryRevocationStore,
  createMemoryTables,
} from './doubles/memory-revocations.ts';
import { createMemorySessionStorage, createMemorySessions } from './doubles/memory-sessions.ts';
import { createMemoryStandingStore } from './doubles/memory-standings.ts';
import {
  createMemoryCiphertextStore,
  createMemoryTokenStore,
  type MemoryToken,
} from './doubles/memory-tokens.ts';
import type { Pause } from './doubles/pause.ts';
import type { History, Subject } from './history.ts';
import type { Parts } from './parts.ts';

/** Which stores the doubles stand for. */
export interface Stores {
  readonly database: Flavour;
  readonly sessions: 'database' | 'redis';
}

const START = Date.parse('2026-11-28T10:00:00+05:30');
const CUTOFF = Date.parse('2026-11-29T03:00:00+05:30');
const IDLE_MS = 30 * MINUTE_MS;

/** When what failed at an order's first try is tried again. */
const RETRIED_AFTER_MS = 3 * SECOND_MS;

export const TRADER = 'trader';
export const ADMIN = 'admin';
export const BROKER = 'broker';

const SILENT_AUDIT: AuditLog = { record: () => Promise.resolve(), recordMany: () => Promise.resolve() };
const ignore = (): void => undefined;
const SILENT_LOG: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const UNLIMITED: CompoundLimiter = {
  take: () => Promise.resolve({ kind: 'taken', standings: [], giveBack: () => Promise.resolve() }),
};

const STRATEGY: CachedStrategy = {
  id: 'strategy',
  userId: TRADER,
  name: 'Strategy',
  broker: BROKER,
  version: 1,
  symbols: [{ exchange: 'NSE', tradingSymbol: 'SBIN', quantity: 1, product: 'MIS' }],
  days: ['sat', 'sun'],
  opensAt: 0,
  closesAt: 24 * 60,
  signingSecret: undefined,
  allowedAddresses: [],
};

/** The session store does not answer, or may not be read yet. */
export class StoreAwayError extends Error {}

/** A line that is missing in a double. */
export interface Doubles {
  readonly rotatesBlindly?: boolean;
  readonly takesRoleAtOnce?: boolean;
}

export type House = ReturnType<typeof createHouse>;

/** The real parts over doubles in memory, wired as `compose.ts` wires them. Whoever made it decides about each pause. */
export function createHouse(parts: Parts, stores: Stores & Doubles, history: History, whenPaused: Pause) {
  let isSettingUp = true;
  const clock = createSettableClock(START);
  /** Time goes on with each step, so that no two things happen in the same millisecond. */
  const pause: Pause = async (where) => {
    if (!isSettingUp) await whenPaused(where);
    clock.advance(1);
  };
  /** By hand: asking luxon for the day of each of 20,000 houses would take longer than all the rest. */
  const calendar: CutoffCalendar = {
    last: () => (clock.now() < CUTOFF ? CUTOFF - DAY_MS : CUTOFF),
    next: () => (clock.now() < CUTOFF ? CUTOFF : CUTOFF + DAY_MS),
    isPast: (loginTime) => isPastCutoff(loginTime, clock.now(), calendar.last()),
  };
  const acting = createActing();
  const tables = createMemoryTables();
  tables.users.set(TRADER, { role: 'user', disabled: false });
  tables.users.set(ADMIN, { role: 'admin', disabled: false });
  const database = createMemoryDatabase({
    flavour: stores.database,
    acting,
    guard: parts.createGuardedDialect,
    pause,
  });
  const locksOf = parts.actLocks;
  const shared = { database, tables, acting, clock, locksOf };

  /** For whom the code of the moment was called; the checker believes this, and not what the server makes of it. */
  const acts = new AsyncLocalStorage<{ readonly subject: Subject; readonly needsAdmin: boolean }>();
  /** To be called at the instant of a commit. */
  function noteEffect(what: string): void {
    const act = acts.getStore();
    if (act !== undefined) history.add({ kind: 'effect', ...act, what });
  }

  const memoryRevocations = createMemoryRevocationStore({
    ...shared,
    onStored({ id, scope }) {
      history.add({ kind: 'order_stored', id, scope });
      // What follows from an order is the server's business.
      if (acting.current() !== undefined) noteEffect(`an order (${scope.kind})`);
    },
  });
  const revocations: typeof memoryRevocations = {
    ...memoryRevocations,
    async saveProgress(receipt, ...rest) {
      await memoryRevocations.saveProgress(receipt, ...rest);
      history.add({ kind: 'order_reported', id: receipt.orderId });
      if (receipt.status === 'done') history.add({ kind: 'order_done', id: receipt.orderId });
    },
  };
  const epochs = createMemoryEpochStore(shared);
  const actors = parts.createSessionActors({ standings: createMemoryStandingStore(shared), calendar, clock });

  const sessions = createMemorySessions();
  const snapshot = createMemorySessions();
  const recovering = new AsyncLocalStorage<true>();
  let isAway = false;
  const lifetime = createSessionLifetime({
    clock,
    calendar,
    policy: {
      current: () => ({ cutoffTime: 'off', idleTimeoutMs: IDLE_MS }),
      replace: ignore,
      onChange: ignore,
    },
  });
  const storage = createMemorySessionStorage({
    stored: sessions,
    indexedApart: stores.sessions === 'redis',
    clock,
    calendar,
    lifetime,
    onError: ignore,
    gate: {
      pass() {
        if (isAway && recovering.getStore() === undefined) throw new StoreAwayError();
      },
    },
    pause,
    Store: parts.DatabaseSessionStore,
  });
  const { registry, activeStore: store } = storage;
  const ids = createSessionIdIssuer({ issue: () => 'v.visitor', formSecretOf: () => '' });
  const giveSession = session({
    store,
    genid: ids.issue,
    secret: 'secret',
    resave: false,
    saveUninitialized: false,
  });

  const rows = new Map<string, MemoryToken>();
  const idsOfTokens = new Map<string, string>();
  const tokens = createMemoryTokenStore({
    database,
    rows,
    onStored({ id, userId, accessToken = '' }) {
      history.add({ kind: 'token_stored', userId, token: id });
      idsOfTokens.set(accessToken, id);
      noteEffect('a token');
    },
  });
  const sessionTarget = parts.createSessionTarget(registry, SILENT_AUDIT);
  const revoker = parts.createRevoker({
    revocations,
    targets: [
      parts.createBrokerTokenTarget({
        tokens,
        authorizations: { forgetBegunBefore: () => Promise.resolve() },
        adapters: new Map(),
        held: { listHeld: async () => [] },
        calendar,
        clock,
        wakeLogouts: ignore,
      }),
      sessionTarget,
    ],
    countSessions: async (userId) => (await registry.listByUser(userId)).length,
    acting,
    audit: SILENT_AUDIT,
    clock,
    log: SILENT_LOG,
  });
  const lifecycle = parts.createSessionLifecycle({
    clock,
    calendar,
    registry,
    epochs,
    revoker,
    revocations,
    ids,
    maxSessionsPerUser: 10,
    limitIdle: () => Promise.resolve(),
  });
  const expiry = parts.createSessionExpiry({
    calendar,
    registry,
    revoker,
    ids,
    acting,
    actors,
    longRequests: { follow: ignore },
    clearCookie: ignore,
  });
  const roleGate = parts.createRoleGate(async (userId) => {
    const user = await database.execute(statement('select role', () => ({ ...tables.users.get(userId) })));
    return user.disabled ? undefined : user.role;
  }, acting);
  const keeper = parts.createConnectionKeeper({
    tokens,
    logouts: { add: () => Promise.resolve() },
    epochs,
    calendar,
    clock,
    cipher: { forBroker: () => ({ encrypt: (text) => text }) },
    sessionExists: async (sid) => (await registry.lastSeen(sid)) !== undefined,
    acting,
  });

  /** As the token reader judges: by the epoch of the person, and by the cutoff. */
  async function isConnected(userId: string): Promise<boolean> {
    return database.execute(
      statement('select token', () =>
        [...rows.values()].some(
          (row) =>
            row.userId === userId &&
            !row.ended &&
            row.epoch === (tables.epochs.get(userId) ?? 0) &&
            row.issuedAt >= calendar.last(),
        ),
      ),
    );
  }

  /** Writes on behalf of whoever acts now. */
  async function write(table: string, what: string): Promise<void> {
    await database.execute(
      statement(`insert into "${table}" (${what})`, (trx) => trx.write(() => noteEffect(what))),
    );
  }

  /** The same in one transaction of two statements. */
  async function writeTwice(table: string, what: string): Promise<void> {
    await database.transaction(async (execute) => {
      await execute(statement(`insert into "${table}" (${what})`, () => undefined));
      await execute(statement(`update "${table}" (${what})`, (trx) => trx.write(() => noteEffect(what))));
    });
  }

  async function keepToken(...[grant, origin, subject]: [...Parameters<typeof keeper.keep>, Subject]) {
    if ((await keeper.keep(grant, origin)) === 'kept')
      history.add({
        kind: 'connected',
        subject,
        token: idsOfTokens.get(grant.accessToken) ?? '',
        issuedAt: origin.issuedAt,
      });
  }

  const reader = { keep: ignore, forget: ignore };
  const intake = parts.createSignalIntake({
    reader: {
      // At once: a message is received when its strategy has been found.
      find: () =>
        Promise.resolve({
          strategy: STRATEGY,
          active: true,
          ownerDisabled: tables.users.get(TRADER)?.disabled ?? true,
        }),
    },
    signals: {
      async accept() {
        await write('signals', 'a signal');
        return { kind: 'accepted' };
      },
      refuse: () => Promise.resolve(),
    },
    judge: parts.createSignalJudge({
      reader,
      findSymbol: () => Promise.resolve({ kind: 'known', lotSizes: [1] }),
      whyBrokerNotConnected: async (userId) => ((await isConnected(userId)) ? undefined : 'not_connected'),
    }),
    signalHistory: { keepBody: () => Promise.resolve() },
    epochs,
    actFor: (account, work) => acting.run(actors.of(account), work),
    limiter: UNLIMITED,
    strangers: UNLIMITED,
    announce: () => Promise.resolve(),
    counts: createSignalCounts(),
    audit: SILENT_AUDIT,
    clock,
  });

  const sweep = parts.createSweep({ calendar, revoker, revocations, log: SILENT_LOG });
  const replay = parts.createReplay({ revocations, sessionTarget, calendar, clock });
  const idleWatch = parts.createIdleWatch(registry, lifecycle);
  const rotation = parts.createKeyRotation({
    ciphertexts: createMemoryCiphertextStore({ database, rows, isBlind: stores.rotatesBlindly ?? false }),
    keyRing: {
      forPurpose: () => ({
        encrypt: (text) => text,
        decrypt: (text) => ({ kind: 'ok', text }),
        renew: (text) =>
          text.endsWith('again') ? { kind: 'current' } : { kind: 'renewed', ciphertext: `${text} again` },
      }),
    },
    audit: SILENT_AUDIT,
  });

  /** In one transaction with the locks of `changeRoleUnlessLastAdmin`. */
  async function takeRoleFrom(userId: string): Promise<void> {
    await database.transaction(async (execute) => {
      if (stores.database === 'postgres' && stores.takesRoleAtOnce !== true)
        for (const lock of locksOf({ alone: { userId } })) await execute(lockStatement(lock));
      await execute(changeUser(userId, { role: 'user' }));
    });
    history.add({ kind: 'demoted', userId });
  }

  const changeUser = (userId: string, change: Partial<{ role: 'user'; disabled: boolean }>) =>
    statement('update "users"', (trx) =>
      trx.write(() => void Object.assign(tables.users.get(userId) ?? {}, change)),
    );

  return {
    history,
    clock,
    acts,
    pause,
    write,
    writeTwice,
    store,
    giveSession,
    epochs,
    lifecycle,
    expiry,
    roleGate,
    keepToken,
    intake,
    isWelcome: (userId: string) =>
      database.execute(statement('select welcome', () => tables.users.get(userId)?.disabled === false)),
    takeRoleFrom,
    rotateKeys: () => rotation.run(SYSTEM_ORIGIN),
    endEverything: () => sweep.run(clock.now() + 1, SYSTEM_ORIGIN),

    endAccount: (userId: string) => lifecycle.endAccount(userId, 'ended_by_admin', SYSTEM_ORIGIN),

    async disable(userId: string) {
      await database.execute(changeUser(userId, { disabled: true }));
      await lifecycle.endAccount(userId, 'account_disabled', SYSTEM_ORIGIN);
      history.add({ kind: 'disabled', userId });
    },

    async passCutoff() {
      clock.set(Math.max(clock.now(), CUTOFF));
      history.add({ kind: 'time_passed' });
      await sweep.runIfDue();
    },

    async passIdleLimit() {
      clock.advance(IDLE_MS);
      history.add({ kind: 'time_passed' });
      await idleWatch.run();
    },

    /** The session store is away, and comes back as it was when all had signed in. */
    async loseSessions() {
      isAway = true;
      await pause('the session store comes back');
      Object.assign(sessions, structuredClone(snapshot));
      history.add({ kind: 'data_lost' });
      await recovering.run(true, replay);
      isAway = false;
    },

    setUp() {
      Object.assign(snapshot, structuredClone(sessions));
      isSettingUp = false;
    },

    /** Does what is left to do, without a pause. */
    async settle() {
      isSettingUp = true;
      clock.advance(RETRIED_AFTER_MS);
      await revoker.retryDue();
      for (const [token, { ended, accessToken }] of rows)
        history.add({
          kind: 'token_found',
          token,
          state: ended ? (accessToken === undefined ? 'ended' : 'ended_but_readable') : 'alive',
        });
    },
  };
}
