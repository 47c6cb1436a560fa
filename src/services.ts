import type { Request, Response } from 'express';
import type { Logger } from 'pino';
import { createAuthenticator } from './accounts/authenticator.ts';
import { createCommonPasswords } from './accounts/common-passwords.ts';
import { createDeviceCookies } from './accounts/device-cookies.ts';
import { createEmptyHouse } from './accounts/empty-house.ts';
import { createFailedSignIns } from './accounts/failed-sign-ins.ts';
import { createGuessGate } from './accounts/guess-gate.ts';
import { createLoginLimiter } from './accounts/login-limiter.ts';
import { createPasswordHasher } from './accounts/password-hasher.ts';
import { createPasswordRules } from './accounts/password-rules.ts';
import { createUserAdmin } from './accounts/user-admin.ts';
import { createUserStore } from './accounts/user-store.ts';
import { createApiRoom } from './api/api-room.ts';
import { createAuditBroadcast } from './audit/audit-broadcast.ts';
import { createAuditChainStore } from './audit/audit-chain-store.ts';
import { createAuditCheckStore } from './audit/audit-check-store.ts';
import { createAuditRoom } from './audit/audit-room.ts';
import { createAuditLog } from './audit/audit-store.ts';
import { createAdapters } from './broker/adapters/all-adapters.ts';
import type { BrokerAdapter } from './broker/broker-adapter.ts';
import { createBrokerRoom } from './broker/broker-room.ts';
import { createCacheMetrics } from './cache-metrics.ts';
import type { Config } from './config.ts';
import type { Clock } from './core/clock.ts';
import { CLOCK_SKEW_TOLERANCE_MS } from './core/expiry.ts';
import { alarmHeading, alarmSentence } from './core/load-alarm.ts';
import { toReceiptView } from './core/receipt-view.ts';
import { createDraining } from './http/draining.ts';
import type { ReadinessCheck } from './http/probes.ts';
import { createRateLimits } from './http/rate-limits.ts';
import { createRequestLog } from './http/request-log.ts';
import { createJobs } from './jobs.ts';
import type { Ports } from './ports.ts';
import { createBanRoom } from './security/bans/ban-room.ts';
import { createCspReportRoom } from './security/csp-reports/csp-report-room.ts';
import { createTrafficRoom } from './security/traffic/traffic-room.ts';
import { createWatchRoom } from './security/watch/watch-room.ts';
import { createCacheTarget, listenForCacheClearing } from './sessions/cache-target.ts';
import { createClaimedUser } from './sessions/claimed-user.ts';
import { createEpochStore } from './sessions/epoch-store.ts';
import { createIdleWatch } from './sessions/idle-watch.ts';
import { createSessionLifecycle } from './sessions/lifecycle.ts';
import { createLongRequests } from './sessions/long-requests.ts';
import { createReauthenticationGate } from './sessions/reauthentication.ts';
import { createReplay } from './sessions/replay.ts';
import { createRevocationMetrics } from './sessions/revocation-metrics.ts';
import { createRevocationOrderStore } from './sessions/revocation-order-store.ts';
import { createRevoker } from './sessions/revoker.ts';
import { createRoleGate } from './sessions/role-gate.ts';
import { createSessionActors } from './sessions/session-actors.ts';
import { createSessionExpiry } from './sessions/session-expiry.ts';
import { createSessionIdIssuer } from './sessions/session-id-issuer.ts';
import { sessionCookieName } from './sessions/session-middleware.ts';
import { createSessionState } from './sessions/session-state.ts';
import { createSessionTarget } from './sessions/session-target.ts';
import { createShownSession } from './sessions/shown-session.ts';
import { createStandingStore } from './sessions/standing-store.ts';
import { createSweep } from './sessions/sweep.ts';
import { createVisitorIds } from './sessions/visitor-ids.ts';
import { createWaitingOrderStore } from './sessions/waiting-order-store.ts';
import { defaultFirst } from './settings/default-first.ts';
import { createSettingsRoom } from './settings/settings-room.ts';
import { createCacheForgetter } from './storage/cache-forgetter.ts';
import { createCaches } from './storage/caches.ts';
import { createCiphertextStore } from './storage/ciphertext-store.ts';
import { createKeyRing } from './storage/key-ring.ts';
import { createKeyRotation } from './storage/key-rotation.ts';
import type { RedisClient } from './storage/redis.ts';
import { clockDifferenceMs } from './storage/redis-clock.ts';
import { signalBodySchema } from './strategies/signal-body.ts';
import { createStrategyRoom } from './strategies/strategy-room.ts';
import { TRADINGVIEW_ADDRESSES } from './strategies/tradingview-addresses.ts';
import { createSymbolRoom } from './symbols/symbol-room.ts';
import { createTelegramRoom } from './telegram/telegram-room.ts';

export type Services = ReturnType<typeof createServices>;

export interface ServicesDeps {
  readonly config: Config;
  readonly ports: Ports;
  readonly log: Logger;
  /** Where this process can reach itself; asked after it listens. */
  readonly internalOrigin: () => string;
  /** Other brokers than the ones that Curfew comes with: for tests. */
  readonly adapters?: readonly BrokerAdapter[];
}

/** What the overview says of whether it answers; the other parts of readiness it says in words of its own. */
const OVERVIEW_PARTS: ReadonlySet<string> = new Set(['database', 'redis', 'clock']);

/** API keys that may wait for their first check at a time: after a restart all programs come at once. */
const KEYS_WAITING = 128;

/** Puts everything together, by hand and in one place. Opens nothing, starts nothing. */
export function createServices({ config, ports, log, internalOrigin, adapters }: ServicesDeps) {
  const { clock, policy, calendar, database, bus, sessionStorage, gate } = ports;
  const { registry } = sessionStorage;
  const auditChain = createAuditChainStore(database);
  const audit = createAuditBroadcast(createAuditLog({ chain: auditChain, clock, log }), log);
  const caches = createCaches({ clock, calendar });
  const epochs = createEpochStore(database);
  const orders = createRevocationOrderStore(database, clock);
  const { acting } = database;
  const actors = createSessionActors({ standings: createStandingStore(database), calendar, clock });
  const longRequests = createLongRequests({
    actors,
    onError: (err) => log.warn({ err }, 'Requests in progress could not be compared with their sessions'),
  });
  const visitorIds = createVisitorIds({ secrets: config.sessionSecrets, clock });
  const ids = createSessionIdIssuer(visitorIds);
  const waitingOrders = createWaitingOrderStore(database, clock);
  const draining = createDraining();
  const keyRing = createKeyRing({ keys: config.encryptionKeys, clock });
  const forgetCached = createCacheForgetter({ caches, bus, log });

  const brokers = createBrokerRoom({
    database,
    caches,
    bus,
    epochs,
    calendar,
    clock,
    audit,
    log,
    encryptionKeys: config.encryptionKeys,
    publicOrigin: config.baseUrl,
    adapters:
      adapters ??
      createAdapters({ clock, publicOrigin: config.baseUrl, internalOrigin, sandbox: config.sandboxBroker }),
    sandbox: config.sandboxBroker,
    sessionExists: async (sid) => (await registry.lastSeen(sid)) !== undefined,
  });

  const brokerNames = new Map([...brokers.routes.adapters.values()].map(({ id, name }) => [id, name]));
  const brokerName = (broker: string): string => brokerNames.get(broker) ?? broker;

  const auditRoom = createAuditRoom({
    database,
    chain: auditChain,
    calendar,
    clock,
    audit,
    log,
    years: config.auditLogYears,
    brokerName,
    answersTo: brokers.logoutAnswers,
  });

  const symbols = createSymbolRoom({ database, caches, forgetCached, clock, audit, log });

  const settings = createSettingsRoom({
    database,
    caches,
    forgetCached,
    registry,
    epochs,
    calendar,
    policy,
    clock,
    audit,
    log,
    secure: config.https,
    brokerNames,
  });

  const telegram = createTelegramRoom({
    database,
    caches,
    forgetCached,
    keyRing,
    redis: ports.redis,
    calendar,
    clock,
    audit,
    log,
    apiRoot: config.telegramApiUrl,
    publicOrigin: config.baseUrl,
    brokerName,
    listAdministrators: async () =>
      (await users.list()).filter((user) => user.role === 'admin' && !user.disabled).map((user) => user.id),
    alertMinutesOf: async (userId) => (await settings.readNow(userId)).alertMinutes,
    isSignedIn: async (userId) => (await registry.listByUser(userId)).length > 0,
  });
  audit.listen(telegram.listener);

  const strategies = createStrategyRoom({
    database,
    caches,
    bus,
    redis: ports.redis,
    keyRing,
    forgetCached,
    epochs,
    actors,
    calendar,
    clock,
    audit,
    draining,
    log,
    rateLimits: config.rateLimits.webhooks,
    retentionMs: config.signalRetentionMs,
    publicOrigin: config.baseUrl,
    countStranger: (req, res) => rateLimits.countStranger(req, res),
    // As the broker spells it; and where its own list was not imported, as any other one does.
    findSymbol: async (broker, exchange, tradingSymbol) =>
      (await symbols.find(exchange, tradingSymbol, broker)) ?? (await symbols.find(exchange, tradingSymbol)),
    hasInstruments: async () => (await symbols.routes.listMasters()).length > 0,
    whyBrokerNotConnected: async (userId, broker) => {
      const reading = await brokers.reader.accessToken(userId, broker);
      return reading.kind === 'token' ? undefined : reading.why;
    },
    brokerNames,
    defaultBroker: async (userId) => (await settings.read(userId)).defaultBroker,
  });

  const keyHasher = createPasswordHasher({
    peppers: config.peppers,
    maxInFlight: 1,
    maxWaiting: KEYS_WAITING,
    what: 'Checking API keys',
  });
  const api = createApiRoom({
    database,
    bus,
    caches,
    redis: ports.redis,
    calendar,
    clock,
    audit,
    log,
    peppers: config.peppers,
    hasher: keyHasher,
    rateLimits: config.rateLimits.api,
    corsOrigins: config.corsOrigins,
    publicOrigin: config.baseUrl,
    onInvalidKey: ({ address, why }) => {
      // A key that this server has made is no guess, whatever became of it: its owner's program goes on with it.
      return why === 'not_ours' ? bans.noteGuessedKey(address) : undefined;
    },
    countStranger: (req, res) => rateLimits.countStranger(req, res),
    countCaller: (userId) => rateLimits.countCaller(userId),
    sessionState: createSessionState({ registry, policy, calendar, clock }),
    brokerStates: async (userId) =>
      defaultFirst(await brokers.overview.of(userId), (await settings.readNow(userId)).defaultBroker),
    brokerToken: (userId, broker) => brokers.reader.requireAccessToken(userId, broker),
    searchSymbols: symbols.search,
    findSymbol: symbols.find,
    listStrategies: strategies.listStrategies,
    signalsAfter: strategies.signalsAfter,
    signalBody: signalBodySchema,
  });

  const bans = createBanRoom({
    database,
    bus,
    clock,
    audit,
    log,
    trustProxy: config.trustProxy,
    sharedSenders: TRADINGVIEW_ADDRESSES,
    liveSession: (req) => expiry.liveSession(req),
    credentials: [
      createShownSession({
        cookieName: sessionCookieName(config.https),
        secrets: config.sessionSecrets,
        store: sessionStorage.passiveStore,
        calendar,
        clock,
      }),
      api.shownKey,
      strategies.shownWebhook,
    ],
  });
  audit.listen(bans.listener);

  // What ends with a session, in this order: first the tokens, or a reader would fill the caches with them again.
  const sessionTarget = createSessionTarget(registry, audit);
  const replay = createReplay({ orders, sessionTarget, calendar, clock });
  const revoker = createRevoker({
    orders,
    targets: [brokers.tokenTarget, sessionTarget, createCacheTarget(caches, bus)],
    countSessions: async (userId) => (await registry.listByUser(userId)).length,
    acting,
    audit,
    clock,
    log,
  });
  const rateLimits = createRateLimits({
    limits: config.rateLimits,
    redis: ports.redis,
    claimedUser: createClaimedUser(sessionCookieName(config.https)),
    userOf: (req) => expiry.liveSession(req)?.userId,
  });

  const cspReports = createCspReportRoom({
    database,
    clock,
    audit,
    log,
    publicOrigin: config.baseUrl,
    mode: config.headers.cspMode,
  });

  const { maxSessionsPerUser } = config;
  const lifecycle = createSessionLifecycle({
    clock,
    calendar,
    registry,
    epochs,
    revoker,
    orders,
    ids,
    maxSessionsPerUser,
    limitIdle: settings.idleLimits.apply,
  });
  const sweep = createSweep({ calendar, revoker, orders, log });
  const idleWatch = createIdleWatch(registry, lifecycle);
  const expiry = createSessionExpiry({
    clock,
    calendar,
    registry,
    revoker,
    ids,
    acting,
    actors,
    longRequests,
    clearCookie,
  });

  const users = createUserStore({ database, clock });
  const hasher = createPasswordHasher({ peppers: config.peppers });
  const rules = createPasswordRules({ commonPasswords: createCommonPasswords() });
  const userAdmin = createUserAdmin({
    users,
    rules,
    hasher,
    lifecycle,
    tellSessions: registry.setRole,
    revokeApiKeys: api.apiKeys.revokeAllOf,
    audit,
    acting,
  });
  const limiter = createLoginLimiter({ limits: config.rateLimits.login, redis: ports.redis });
  const devices = createDeviceCookies({ secrets: config.sessionSecrets, secure: config.https, clock });
  const failures = createFailedSignIns({ audit, users, clock });
  const { liveSession } = expiry;
  const roleGate = createRoleGate(async (userId) => {
    const user = await users.findById(userId);
    return user === undefined || user.disabled ? undefined : user.role;
  }, acting);

  const traffic = createTrafficRoom({
    database,
    addresses: config.trafficLogAddresses,
    secrets: config.peppers,
    retentionMs: config.trafficRetentionMs,
    mostRows: config.trafficMostRows,
    findUserId: async (username) => (await users.findByUsername(username))?.id,
    clock,
    log,
  });

  const requestLog = createRequestLog({ log, clock });

  const load = createWatchRoom({
    database,
    clock,
    audit,
    log,
    addressWords: traffic.addressWords,
    mayBan: (subject) => bans.routes.protectedAddresses.whyProtected(subject) === undefined,
    hoursSince: traffic.hourStore.since,
    queues: [
      { queue: 'revocations', depth: async () => (await waitingOrders.summary()).waiting },
      { queue: 'broker_logouts', depth: async () => (await brokers.countLogouts()).open },
      { queue: 'telegram', depth: async () => (await telegram.countMessages()).open },
      { queue: 'passwords', depth: () => hasher.waiting },
      { queue: 'api_keys', depth: () => keyHasher.waiting },
      { queue: 'traffic', depth: () => traffic.trafficLog.waiting },
      { queue: 'ban_hits', depth: bans.countWaitingHits },
    ],
    droppedRows: () => traffic.trafficLog.dropped,
  });

  function clearCookie(res: Response): void {
    res.clearCookie(sessionCookieName(config.https), {
      path: '/',
      httpOnly: true,
      sameSite: 'lax',
      secure: config.https,
    });
  }

  /** With what the brokers have answered: of everybody's where an administrator reads of everybody. */
  async function describeLatestReceipt(userId: string, viewer: 'admin' | 'user') {
    const receipt = await orders.latestReceipt(userId);
    if (receipt === undefined) return undefined;
    const isOfAll = viewer === 'admin' && receipt.scope === 'sweep';
    const answers = await brokers.logoutAnswers([receipt.orderId], isOfAll ? undefined : userId);
    return toReceiptView(receipt, { viewer, brokerName, answers: answers.get(receipt.orderId) });
  }

  listenForCacheClearing(caches, bus);
  gate?.recoverWith(async () => {
    await replay();
    await settings.idleLimits.reapplyAll();
  });

  return {
    config,
    log,
    clock,
    policy,
    calendar,
    caches,
    audit,
    auditRows: auditRoom.rows,
    orders,
    registry,
    lifecycle,
    revoker,
    sweep,
    idleWatch,
    expiry,
    keyRotation: createKeyRotation({ ciphertexts: createCiphertextStore(database), keyRing, audit }),
    brokers,
    sandbox: brokers.sandbox,
    brokerBanner: brokers.banner,
    api,
    metrics: [
      createCacheMetrics(caches),
      createRevocationMetrics(waitingOrders, clock),
      brokers.metrics,
      api.metrics,
      strategies.metrics,
      bans.metrics,
      rateLimits.metrics,
      cspReports.metrics,
      traffic.metrics,
      load.metrics,
      symbols.metrics,
      telegram.metrics,
    ],
    brokerOrigins: brokers.authorizationOrigins.filter((origin) => origin !== config.baseUrl),
    draining,
    readiness: [...createReadiness(ports, orders.countWaiting), draining.check],
    jobs: createJobs({
      clock,
      policy,
      registry,
      orders,
      revoker,
      sweep,
      idleWatch,
      replay: gate === undefined ? undefined : replay,
      tidiers: [brokers.tidy, load.watch.tidy],
      preparations: [bans.load],
      others: [
        auditRoom.keeper.watch,
        failures.flushing,
        brokers.logoutQueue,
        brokers.refresher,
        api.usage,
        strategies.tidying,
        symbols.keeper,
        settings.idleLimits.watch,
        telegram.queue,
        telegram.reminder,
        ...bans.watches,
        rateLimits.comparing,
        cspReports.writing,
        ...traffic.jobs,
        requestLog,
        load.watch,
        longRequests,
        ...(gate === undefined ? [] : [gate.watch]),
      ],
      log,
    }),
    userAdmin,
    visitorSecret: visitorIds.formSecretOf,
    sessionMiddleware: { storage: sessionStorage, ids, secrets: config.sessionSecrets, https: config.https },
    dashboard: {
      clock,
      calendar,
      policy,
      lifecycle,
      brokersOf: async (userId: string, req: object) =>
        defaultFirst(await brokers.overview.of(userId, req), (await settings.read(userId)).defaultBroker),
      settingsOf: settings.read,
      latestReceipt: describeLatestReceipt,
      waitingOrders,
      isEmptyHouse: createEmptyHouse(users),
    },
    roleGate,
    reauthenticationGate: createReauthenticationGate(clock),
    guessGate: createGuessGate({ limiter, devices }),
    accounts: {
      clock,
      authenticator: createAuthenticator({ users, hasher }),
      limiter,
      devices,
      users,
      rules,
      hasher,
      lifecycle,
      failures,
      audit,
      liveSession,
    },
    sessions: { clock, calendar, policy, registry, lifecycle, clearCookie },
    requestLog,
    requestWatch: { clock, observers: [requestLog.observe, traffic.observe, load.observe] },
    bans,
    auditKeeper: auditRoom.keeper,
    exportWatch: auditRoom.exportWatch,
    refusalWatch: auditRoom.refusalWatch,
    auditPages: auditRoom.routes,
    banPages: bans.routes,
    overview: {
      clock,
      calendar,
      countSessions: registry.countLive,
      brokerConnections: async () => {
        const connections = await brokers.countConnections();
        return [...brokerNames].map(([id, name]) => ({ name, connections: connections.get(id) ?? 0 }));
      },
      countBans: bans.countActive,
      waitingRevocations: waitingOrders.summary,
      countLogouts: brokers.countLogouts,
      countMessages: telegram.countMessages,
      parts: createReadiness(ports, orders.countWaiting).filter(({ name }) => OVERVIEW_PARTS.has(name)),
      auditHoursSince: auditRoom.hours.since,
      trafficHoursSince: traffic.hourStore.since,
      chainState: createAuditCheckStore(database).read,
      ringingAlarms: async () =>
        (await load.alarmStore.listOpen()).map(({ raisedAt, ...alarm }) => ({
          what: `${alarmHeading(alarm.what)}. ${alarmSentence(alarm)}`,
          since: raisedAt,
        })),
    },
    people: {
      users,
      userAdmin,
      registry,
      countConnections: brokers.countConnectionsOf,
      countApiKeys: api.apiKeys.countOf,
    },
    everybodysSessions: {
      clock,
      registry,
      lifecycle,
      revoker,
      findPeople: async (text: string, limit: number) => {
        const found = await users.search({ text, offset: 0, limit });
        return { userIds: found.users.map(({ id }) => id), total: found.total };
      },
      usernameOf: async (userId: string) => (await users.findById(userId))?.username,
      countConnectionsOf: async (userId: string) =>
        (await brokers.countConnectionsOf([userId])).get(userId) ?? 0,
      countConnectionsBefore: brokers.openTokens.countOpenBefore,
      receiptOf: orders.receiptOf,
      brokerName,
    },
    rateLimits,
    cspReports,
    cspReportPages: cspReports.routes,
    traffic,
    trafficPages: traffic.routes,
    load,
    loadPages: load.routes,
    pageLook: settings.pageLook,
    settings: settings.routes,
    telegram,
    strategies,
    findSymbol: symbols.find,
    symbolImporter: symbols.importer,
    symbolKeeper: symbols.keeper,
    symbols: symbols.routes,
    apiKeys: api.pages,
    broker: {
      ...brokers.routes,
      liveSession: (req: Request) => liveSession(req),
    },
  };
}

function createReadiness(
  { clock, database, redis, gate }: Ports,
  countWaiting: () => Promise<number>,
): readonly ReadinessCheck[] {
  return [
    { name: 'database', check: () => database.ping() },
    ...(redis === undefined ? [] : [{ name: 'redis', check: async () => void (await redis.ping()) }]),
    ...(redis === undefined ? [] : [{ name: 'clock', check: () => compareClocks(redis, clock) }]),
    ...(gate === undefined ? [] : [{ name: 'sessions', check: async () => gate.pass() }]),
    {
      name: 'revocations',
      async check() {
        const waiting = await countWaiting();
        if (waiting > 0) throw new Error(`${waiting} revocations are still to be carried out`);
      },
    },
  ];
}

async function compareClocks(redis: RedisClient, clock: Clock): Promise<void> {
  const differenceMs = await clockDifferenceMs(redis, clock);
  if (Math.abs(differenceMs) > CLOCK_SKEW_TOLERANCE_MS)
    throw new Error(`The clock differs by ${differenceMs} ms`);
}
