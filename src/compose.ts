import type { Logger } from 'pino';
import { createAccountsFeature } from './accounts/accounts-feature.ts';
import { createPasswordHasher, type HashCost } from './accounts/password-hasher.ts';
import { SIGN_IN_EVENTS } from './accounts/sign-in-history.ts';
import { createUserStore } from './accounts/user-store.ts';
import { usernameKey } from './accounts/username.ts';
import { createOverviewRouter } from './admin/overview/routes.ts';
import { createPendingRevocationsRouter } from './admin/pending-revocations.ts';
import { createPeopleRouter } from './admin/people/routes.ts';
import { createServerSettingsRouter } from './admin/server-settings.ts';
import { createAdminSessionsRouter } from './admin/sessions/routes.ts';
import { createApiFeature } from './api/api-feature.ts';
import { createAuditBroadcast } from './audit/audit-broadcast.ts';
import { createAuditChainStore } from './audit/audit-chain-store.ts';
import { createAuditFeature } from './audit/audit-feature.ts';
import { createAuditLog } from './audit/audit-store.ts';
import { createBanFeature } from './bans/ban-feature.ts';
import type { Infrastructure } from './boot/connect.ts';
import { createJobs } from './boot/jobs.ts';
import { createReadiness, serverParts } from './boot/readiness.ts';
import { createAdapters } from './broker/adapters/all-adapters.ts';
import type { BrokerAdapter } from './broker/broker-adapter.ts';
import { createBrokerFeature } from './broker/broker-feature.ts';
import type { Config } from './config.ts';
import { toReceiptView } from './core/receipt-view.ts';
import { createDashboardRouter } from './dashboard/routes.ts';
import { createFeedFeature } from './feed/feed-feature.ts';
import { shareStreams } from './feed/prices/shared-stream.ts';
import { createUpstreams } from './feed/prices/upstreams.ts';
import { createSocketTarget } from './feed/socket-target.ts';
import { createGatewayFeature } from './gateway/gateway-feature.ts';
import { createAddressList } from './http/address-list.ts';
import { createDraining } from './http/draining.ts';
import type { Feature } from './http/feature.ts';
import { createMetricsRegistry } from './http/metrics.ts';
import { createRateLimits } from './http/rate-limits.ts';
import { createRequestLog } from './http/request-log.ts';
import { createMailFeature } from './mail/mail-feature.ts';
import { createCacheMetrics } from './monitoring/cache-metrics.ts';
import { createCspReportFeature } from './monitoring/csp-reports/csp-report-feature.ts';
import { createWatchFeature } from './monitoring/load/watch-feature.ts';
import { createTrafficFeature } from './monitoring/traffic/traffic-feature.ts';
import { createCacheTarget, listenForCacheClearing } from './revocation/cache-target.ts';
import { createEpochStore } from './revocation/epoch-store.ts';
import { createRevocationFeature } from './revocation/revocation-feature.ts';
import { ROUTE_POLICIES } from './route-policies.ts';
import { createSessionActors } from './sessions/session-actors.ts';
import { createSessionState } from './sessions/session-state.ts';
import { createSessionTarget } from './sessions/session-target.ts';
import { createSessionsFeature } from './sessions/sessions-feature.ts';
import { createSocketRegistry } from './sessions/socket-registry.ts';
import { createStandingStore } from './sessions/standing-store.ts';
import { createSettingsFeature, defaultFirst } from './settings/settings-feature.ts';
import { createCacheInvalidator } from './storage/cache-invalidator.ts';
import { createCaches } from './storage/caches.ts';
import { createCiphertextStore } from './storage/ciphertext-store.ts';
import { createKeyRing } from './storage/key-ring.ts';
import { createKeyRotation } from './storage/key-rotation.ts';
import { createRedisLeases } from './storage/redis-leases.ts';
import type { CheckedSecret } from './storage/secret-checks.ts';
import { signalBodySchema } from './strategies/signal-body.ts';
import { createStrategyFeature } from './strategies/strategy-feature.ts';
import { TRADINGVIEW_ADDRESSES } from './strategies/tradingview-addresses.ts';
import { createSymbolFeature } from './symbols/symbol-feature.ts';
import { createTelegramFeature } from './telegram/telegram-feature.ts';
import { createWatchlistFeature } from './watchlist/watchlist-feature.ts';

export type Services = ReturnType<typeof compose>;

export interface ComposeDeps {
  readonly config: Config;
  readonly infrastructure: Infrastructure;
  readonly log: Logger;
  /** Where this process can reach itself; asked after it listens. */
  readonly internalOrigin: () => string;
  /** Secrets that are not those of the database: what fails because of them is no client's fault. */
  readonly changedSecrets?: readonly CheckedSecret[];
  /** Other brokers than the ones that Curfew comes with: for tests. */
  readonly adapters?: readonly BrokerAdapter[];
  /** Of passwords and API keys, other than ARGON2_PARAMETERS: for tests. */
  readonly hashCost?: HashCost;
}

/** On a user's profile. */
const SIGN_INS_SHOWN = 20;

/** API keys that may wait for their first check at a time: after a restart all programs come at once. */
const KEYS_WAITING = 128;

/**
 * The composition root: a paragraph for each feature, with what it needs of the others. Opens nothing, starts nothing.
 * A function that is handed over is called later, and may name a feature further down.
 */
export function compose({
  config,
  infrastructure,
  log,
  internalOrigin,
  changedSecrets = [],
  adapters,
  hashCost,
}: ComposeDeps) {
  const { clock, calendar, database, redis, bus, channels, sessionStorage, gate } = infrastructure;
  const { registry } = sessionStorage;
  const { rateLimits: limits, https, baseUrl: publicOrigin } = config;

  // Shared by all features.
  const chain = createAuditChainStore(database);
  const audit = createAuditBroadcast(createAuditLog({ chain, clock, log }), log);
  const caches = createCaches({ clock, calendar });
  const invalidateCached = createCacheInvalidator({ caches, bus, log });
  const epochs = createEpochStore(database);
  const actors = createSessionActors({ standings: createStandingStore(database), calendar, clock });
  const keyRing = createKeyRing({ keys: config.encryptionKeys, clock });
  const users = createUserStore({ database, clock });
  const draining = createDraining();
  const shared = {
    ...infrastructure,
    registry,
    audit,
    caches,
    invalidateCached,
    epochs,
    actors,
    keyRing,
    users,
    log,
    publicOrigin,
  };

  const brokers = createBrokerFeature({
    ...shared,
    encryptionKeys: config.encryptionKeys,
    adapters:
      adapters ?? createAdapters({ clock, publicOrigin, internalOrigin, sandbox: config.sandboxBroker }),
    sandbox: config.sandboxBroker,
    holdByDefault: config.holdByDefault,
    marketHours: config.sandboxMarket,
    sessionExists: async (sid) => (await registry.lastSeen(sid)) !== undefined,
    liveSession: (req) => sessions.liveSession(req),
  });
  const brokerNames = brokers.names;
  const brokerName = (broker: string): string => brokerNames.get(broker) ?? broker;

  const sockets = createSocketRegistry();
  const upstreams = createUpstreams({
    readStreamPass:
      redis === undefined || channels === undefined
        ? brokers.readStreamPass
        : shareStreams(brokers.readStreamPass, { channels, leases: createRedisLeases(redis), clock }),
    clock,
    log,
    random: Math.random,
  });
  const revocation = createRevocationFeature({
    ...shared,
    targets: {
      tokens: brokers.revocationTarget,
      sessions: createSessionTarget(registry, audit),
      caches: createCacheTarget(caches, bus),
      sockets: createSocketTarget(sockets, upstreams, bus),
    },
    carryHeld: brokers.held.carryInto,
    countSessions: async (userId) => (await registry.listByUser(userId)).length,
  });
  const { revocations, revoker, pending } = revocation;

  const settings = createSettingsFeature({ ...shared, secure: https, brokerNames });

  const sessions = createSessionsFeature({
    ...shared,
    storage: sessionStorage,
    revoker,
    revocations,
    secrets: config.sessionSecrets,
    https,
    cookieDomain: config.cookieDomain,
    maxSessionsPerUser: config.maxSessionsPerUser,
    limitIdle: settings.idleLimits.apply,
    heldBrokers: async (userId) =>
      (await brokers.held.listHeld(userId, { since: calendar.last(), now: clock.now() })).map(brokerName),
  });
  const { lifecycle, liveSession } = sessions;

  const rateLimits = createRateLimits({
    limits,
    redis,
    unverifiedUserId: sessions.unverifiedUserId,
    userOf: (req) => liveSession(req)?.userId,
  });

  const auditFeature = createAuditFeature({
    ...shared,
    chain,
    years: config.auditLogYears,
    brokerName,
    answersTo: brokers.logoutAnswers,
  });

  const symbols = createSymbolFeature(shared);
  const hasInstruments = async (): Promise<boolean> => (await symbols.listMasters()).length > 0;
  const defaultBroker = async (userId: string): Promise<string | undefined> =>
    (await settings.read(userId)).defaultBroker;

  const listAdministrators = async (): Promise<readonly string[]> =>
    (await users.list()).filter((user) => user.role === 'admin' && !user.disabled).map((user) => user.id);
  const alertMinutesOf = async (userId: string): Promise<number> =>
    (await settings.readNow(userId)).alertMinutes;
  const telegram = createTelegramFeature({
    ...shared,
    apiRoot: config.telegramApiUrl,
    brokerName,
    listAdministrators,
    alertMinutesOf,
    deviceLink: (userId, device) => accounts.deviceLink(userId, device),
    isSignedIn: async (userId) => (await registry.listByUser(userId)).length > 0,
  });
  audit.listen(telegram.listener);

  const mail = createMailFeature({ ...shared, smtp: config.smtp });

  const strategies = createStrategyFeature({
    ...shared,
    draining,
    rateLimits: limits.webhooks,
    retentionMs: config.signalRetentionMs,
    countStranger: rateLimits.countStranger,
    findSymbol: symbols.findTraded,
    searchSymbols: symbols.search,
    hasInstruments,
    whyBrokerNotConnected: async (userId, broker) => {
      const reading = await brokers.reader.accessToken(userId, broker);
      return reading.kind === 'token' ? undefined : reading.why;
    },
    brokerNames,
    defaultBroker,
    onSignal: (userId) => feed.events.tellHere(userId, { event: 'signal_received' }),
  });

  const keyHasher = createPasswordHasher({
    peppers: config.peppers,
    cost: hashCost,
    maxInFlight: 1,
    maxWaiting: KEYS_WAITING,
    what: 'Checking API keys',
  });
  const api = createApiFeature({
    ...shared,
    peppers: config.peppers,
    hasher: keyHasher,
    rateLimits: limits.api,
    corsOrigins: config.corsOrigins,
    // A key that this server has made is no guess: its owner's program goes on with it.
    // With another pepper every key looks like a guess.
    onInvalidKey: ({ address, why }) =>
      why === 'not_ours' && !changedSecrets.includes('PEPPER') ? bans.noteGuessedKey(address) : undefined,
    countStranger: rateLimits.countStranger,
    countCaller: rateLimits.countCaller,
    sessionState: createSessionState(shared),
    brokerStates: async (userId) =>
      defaultFirst(await brokers.overview.of(userId), (await settings.readNow(userId)).defaultBroker),
    brokerToken: brokers.reader.requireAccessToken,
    reportRejected: brokers.reportRejected,
    knowsBroker: (broker) => brokerNames.has(broker),
    searchSymbols: symbols.search,
    findSymbol: symbols.find,
    listStrategies: strategies.listStrategies,
    signalsAfter: strategies.signalsAfter,
    noteFetch: strategies.signalHistory.noteFetch,
    signalBody: signalBodySchema,
  });

  const feed = createFeedFeature({
    ...shared,
    revocations,
    sockets,
    draining,
    upstreams,
    mostPerUser: config.socketsPerUser,
    mostSubscriptions: config.socketSubscriptions,
    feeds: brokers.feeds,
    readStreamPass: brokers.readStreamPass,
    requireBroker: brokers.reader.requireAccessToken,
    defaultBroker,
    findInstruments: symbols.find,
    hasInstruments,
    cookieName: sessions.cookieName,
    rateLimits: limits.socket,
    showsKey: api.showsKey,
    refuseKeyInAddress: api.refuseKeyInAddress,
    admitKey: (req, res) => api.keyGate.admit(req, res, 'feed:read'),
    whyNoSocket: api.whyNoSocket,
    whenKeysChange: api.whenKeysChange,
    alertMinutesOf,
    listAdministrators,
  });
  audit.listen(feed.listener);

  const gateway = createGatewayFeature({
    ...shared,
    rulesFile: config.gatewayRules,
    isTrustedProxy: createAddressList(config.trustProxy),
    https,
    encryptionKeys: config.encryptionKeys,
    usernameKey,
    async findUser(username) {
      const user = await users.findByUsername(username);
      return user && { ...user, usernameKey: usernameKey(user.username) };
    },
    emailOf: async (userId) => (await users.findById(userId))?.email,
    loadSession: sessions.loadSession,
    limitPerson: rateLimits.behindSession,
    liveSession,
    whyNoSession: sessions.expiry.whyNoSession,
    findKey: api.findKey,
    looksLikeKey: api.looksLikeKey,
    admitKey: (req, res, key) => api.keyGate.admit(req, res, 'gateway:access', key),
    ownPaths: new Set(ROUTE_POLICIES.map(({ path }) => path.split('/')[1]?.toLowerCase() ?? '')),
    limitStranger: rateLimits.beforeSession,
    sockets,
    judgeOwner: feed.standing.judge,
    watchKey: feed.standing.watchKey,
    draining,
  });

  const watchlist = createWatchlistFeature({
    ...shared,
    search: symbols.search,
    findInstruments: symbols.find,
    hasInstruments,
    glance: feed.glance,
  });

  const bans = createBanFeature({
    ...shared,
    trustProxy: config.trustProxy,
    sharedSenders: TRADINGVIEW_ADDRESSES,
    liveSession,
    credentials: [sessions.shownSession, api.shownKey, strategies.shownWebhook],
  });
  audit.listen(bans.listener);

  const accounts = createAccountsFeature({
    ...shared,
    lifecycle,
    liveSession,
    revokeApiKeys: api.apiKeys.revokeAllOf,
    signInsOf: async (userId) =>
      // Apart: a stranger's failures must not push a sign-in out of the list.
      (
        await Promise.all(
          SIGN_IN_EVENTS.map((type) => auditFeature.search({ userId, types: [type] }, {}, SIGN_INS_SHOWN)),
        )
      )
        .flatMap(({ rows }) => rows)
        .toSorted((a, b) => b.at - a.at),
    hashCost,
    peppers: config.peppers,
    secrets: config.sessionSecrets,
    https,
    rateLimits: limits.login,
    resetLimits: config.resetLimits,
    sendMail: mail.send,
    mailIsOn: mail.isOn,
    secondFactorRule: config.secondFactorRule,
    breachUrl: config.breachUrl,
  });

  audit.listen(accounts.noticeListener);

  const cspReports = createCspReportFeature({ ...shared, mode: config.headers.cspMode });

  const traffic = createTrafficFeature({
    ...shared,
    addresses: config.trafficLogAddresses,
    secrets: config.peppers,
    retentionMs: config.trafficRetentionMs,
    mostRows: config.trafficMostRows,
    findUserId: async (username) => (await users.findByUsername(username))?.id,
  });

  const load = createWatchFeature({
    ...shared,
    addressWords: traffic.addressWords,
    mayBan: (subject) => bans.whyProtected(subject) === undefined,
    hoursSince: traffic.hourStore.since,
    queues: [
      { queue: 'revocations', depth: async () => (await pending.summary()).waiting },
      { queue: 'broker_logouts', depth: async () => (await brokers.countLogouts()).open },
      { queue: 'telegram', depth: async () => (await telegram.countMessages()).open },
      { queue: 'mail', depth: async () => (await mail.countMessages()).open },
      { queue: 'passwords', depth: () => accounts.hasher.waiting },
      { queue: 'api_keys', depth: () => keyHasher.waiting },
      { queue: 'traffic', depth: () => traffic.trafficLog.waiting },
      { queue: 'ban_hits', depth: bans.countWaitingHits },
    ],
    droppedRows: () => traffic.trafficLog.dropped,
    oldestPendingRevocation: async () => (await pending.summary()).oldestOrderedAt,
    thresholds: bans.alertThresholds,
  });

  const requestLog = createRequestLog({ log, clock });

  // Pages over what several features export.
  const dashboard = createDashboardRouter({
    ...shared,
    https,
    lifecycle,
    brokersOf: async (userId, req) =>
      defaultFirst(await brokers.overview.of(userId, req), (await settings.read(userId)).defaultBroker),
    settingsOf: settings.read,
    watchedOf: watchlist.show,
    // With what the brokers have answered: to everyone's tokens where an administrator reads of everyone.
    async latestReceipt(userId, viewer) {
      const receipt = await revocations.latestReceipt(userId);
      if (receipt === undefined) return undefined;
      const isOfAll = viewer === 'admin' && receipt.scope === 'sweep';
      const answers = await brokers.logoutAnswers([receipt.orderId], isOfAll ? undefined : userId);
      const view = toReceiptView(receipt, { viewer, brokerName, answers: answers.get(receipt.orderId) });
      return { ...view, isOfCutoff: receipt.reason === 'cutoff' };
    },
    signalsSince: strategies.signalsSince,
    keysOf: api.apiKeys.listOf,
    pendingRevocations: pending,
    factorReminder: accounts.secondFactor.reminderFor,
    needsSetup: accounts.needsSetup,
    noticesOf: accounts.noticesOf,
  });
  const overview = createOverviewRouter({
    ...shared,
    countSessions: registry.countLive,
    brokerConnections: async () => {
      const connections = await brokers.countConnections();
      return [...brokerNames].map(([id, name]) => ({ name, connections: connections.get(id) ?? 0 }));
    },
    countBans: bans.countActive,
    waitingRevocations: pending.summary,
    countLogouts: brokers.countLogouts,
    countMessages: telegram.countMessages,
    parts: serverParts(infrastructure),
    auditHoursSince: auditFeature.hours.since,
    trafficHoursSince: traffic.hourStore.since,
    chainState: auditFeature.chainState,
    openAlerts: load.openAlerts,
  });
  const people = createPeopleRouter({
    ...shared,
    userAdmin: accounts.userAdmin,
    resetRequests: accounts.resetRequests,
    mayResetFactors: async (user) =>
      !accounts.secondFactor.isRequired(user) || (await accounts.secondFactor.has(user.id)),
    invitations: accounts.invitations,
    mailIsOn: mail.isOn,
    countConnections: brokers.countConnectionsOf,
    countApiKeys: api.apiKeys.countOf,
  });
  const pendingRevocations = createPendingRevocationsRouter(pending);
  const serverSettings = createServerSettingsRouter({
    ...shared,
    shownSettings: config.shown,
    countForeignPasskeys: accounts.countForeignPasskeys,
  });
  const allSessions = createAdminSessionsRouter({
    ...shared,
    lifecycle,
    revoker,
    findPeople: async (text, limit) => {
      const found = await users.search({ text, offset: 0, limit });
      return { userIds: found.users.map(({ id }) => id), total: found.total };
    },
    usernameOf: async (userId) => (await users.findById(userId))?.username,
    countConnectionsOf: async (userId) => (await brokers.countConnectionsOf([userId])).get(userId) ?? 0,
    countConnectionsBefore: brokers.openTokens.countOpenBefore,
    receiptOf: revocations.receiptOf,
    brokerName,
  });

  const features: readonly Feature[] = [
    { router: dashboard, metrics: createCacheMetrics(caches) },
    accounts,
    sessions,
    revocation,
    brokers,
    api,
    symbols,
    settings,
    telegram,
    mail,
    strategies,
    feed,
    gateway,
    watchlist,
    { router: overview },
    bans,
    auditFeature,
    { router: pendingRevocations },
    { router: serverSettings },
    { router: allSessions },
    { router: people },
    cspReports,
    traffic,
    load,
    { jobs: [rateLimits.comparing, requestLog], metrics: rateLimits.metrics },
    { jobs: gate === undefined ? [] : [gate.watch] },
    ...(brokers.sandbox === undefined ? [] : [{ router: brokers.sandbox.pages }]),
  ];

  listenForCacheClearing(caches, bus);
  gate?.recoverWith(async () => {
    await revocation.replay();
    await settings.idleLimits.reapplyAll();
  });

  return {
    config,
    ...shared,
    accounts,
    sessions,
    revocation,
    brokers,
    api,
    symbols,
    settings,
    telegram,
    mail,
    strategies,
    users,
    sockets,
    upstreams,
    feed,
    gateway,
    bans,
    auditLog: auditFeature,
    cspReports,
    traffic,
    load,
    rateLimits,
    requestLog,
    draining,
    keyRotation: createKeyRotation({ ciphertexts: createCiphertextStore(database), keyRing, audit }),
    /** Features that take WebSockets. */
    handshakes: [gateway.takesHandshake, feed.takesHandshake],
    requestWatch: { clock, observers: [requestLog.observe, traffic.observe, load.observe] },
    readiness: [...createReadiness(infrastructure, changedSecrets), draining.check],
    routers: features.flatMap(({ router }) => (router === undefined ? [] : [router])),
    metrics: createMetricsRegistry(features.flatMap(({ metrics = [] }) => metrics)),
    jobs: createJobs({
      ...shared,
      revocations,
      revoker,
      sweep: revocation.sweep,
      idleWatch: sessions.idleWatch,
      replay: gate === undefined ? undefined : revocation.replay,
      cleanups: features.flatMap(({ cleanup }) => (cleanup === undefined ? [] : [cleanup])),
      preparations: [bans.load],
      jobs: features.flatMap(({ jobs = [] }) => jobs),
    }),
  };
}
