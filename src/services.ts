import type { Request, Response } from 'express';
import type { Logger } from 'pino';
import { createAuthenticator } from './accounts/authenticator.ts';
import { createCommonPasswords } from './accounts/common-passwords.ts';
import { createDeviceCookies } from './accounts/device-cookies.ts';
import { createLoginLimiter } from './accounts/login-limiter.ts';
import { createPasswordHasher } from './accounts/password-hasher.ts';
import { createPasswordRules } from './accounts/password-rules.ts';
import { createUserAdmin } from './accounts/user-admin.ts';
import { createUserStore } from './accounts/user-store.ts';
import { createAuditLog } from './audit/audit-store.ts';
import { createAdapters } from './broker/adapters/all-adapters.ts';
import type { BrokerAdapter } from './broker/broker-adapter.ts';
import { createBrokerRoom } from './broker/broker-room.ts';
import type { Config } from './config.ts';
import type { Clock } from './core/clock.ts';
import { CLOCK_SKEW_TOLERANCE_MS } from './core/expiry.ts';
import { createDraining } from './http/draining.ts';
import type { ReadinessCheck } from './http/probes.ts';
import { createJobs } from './jobs.ts';
import type { Ports } from './ports.ts';
import { createCacheTarget, listenForCacheClearing } from './sessions/cache-target.ts';
import { createEpochStore } from './sessions/epoch-store.ts';
import { createIdleWatch } from './sessions/idle-watch.ts';
import { createSessionLifecycle } from './sessions/lifecycle.ts';
import { createReplay } from './sessions/replay.ts';
import { createRequireRole } from './sessions/require-role.ts';
import { createRevocationMetrics } from './sessions/revocation-metrics.ts';
import { createRevocationOrderStore } from './sessions/revocation-order-store.ts';
import { createRevoker } from './sessions/revoker.ts';
import { createSessionExpiry } from './sessions/session-expiry.ts';
import { createSessionIdIssuer } from './sessions/session-id-issuer.ts';
import { sessionCookieName } from './sessions/session-middleware.ts';
import { createSessionTarget } from './sessions/session-target.ts';
import { createSweep } from './sessions/sweep.ts';
import { createVisitorIds } from './sessions/visitor-ids.ts';
import { createWaitingOrderStore } from './sessions/waiting-order-store.ts';
import { createCaches } from './storage/caches.ts';
import type { RedisClient } from './storage/redis.ts';
import { clockDifferenceMs } from './storage/redis-clock.ts';

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

/** Puts everything together, by hand and in one place. Opens nothing, starts nothing. */
export function createServices({ config, ports, log, internalOrigin, adapters }: ServicesDeps) {
  const { clock, policy, calendar, database, bus, sessionStorage, gate } = ports;
  const { registry } = sessionStorage;
  const audit = createAuditLog(database, clock, log);
  const caches = createCaches({ clock, calendar });
  const epochs = createEpochStore(database);
  const orders = createRevocationOrderStore(database, clock);
  const visitorIds = createVisitorIds({ secrets: config.sessionSecrets, clock });
  const ids = createSessionIdIssuer(visitorIds);
  const waitingOrders = createWaitingOrderStore(database, clock);
  const draining = createDraining();

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

  // What ends with a session, in this order: first the tokens, or a reader would fill the caches with them again.
  const sessionTarget = createSessionTarget(registry, audit);
  const replay = createReplay({ orders, sessionTarget, calendar, clock });
  const revoker = createRevoker({
    orders,
    targets: [brokers.tokenTarget, sessionTarget, createCacheTarget(caches, bus)],
    countSessions: async (userId) => (await registry.listByUser(userId)).length,
    audit,
    clock,
    log,
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
  });
  const sweep = createSweep({ calendar, revoker, orders, log });
  const idleWatch = createIdleWatch(registry, lifecycle);
  const expiry = createSessionExpiry({ clock, calendar, registry, revoker, ids, clearCookie });

  const users = createUserStore({ database, clock });
  const hasher = createPasswordHasher({ pepper: config.pepper });
  const rules = createPasswordRules({ commonPasswords: createCommonPasswords() });
  const limiter = createLoginLimiter({ limits: config.loginRateLimits, redis: ports.redis });
  const devices = createDeviceCookies({ secrets: config.sessionSecrets, secure: config.https, clock });
  const { liveSession } = expiry;
  const requireRole = createRequireRole(async (userId) => {
    const user = await users.findById(userId);
    return user === undefined || user.disabled ? undefined : user.role;
  });

  function clearCookie(res: Response): void {
    res.clearCookie(sessionCookieName(config.https), {
      path: '/',
      httpOnly: true,
      sameSite: 'lax',
      secure: config.https,
    });
  }

  listenForCacheClearing(caches, bus);
  gate?.recoverWith(async () => void (await replay()));

  return {
    config,
    log,
    clock,
    policy,
    calendar,
    caches,
    audit,
    orders,
    registry,
    lifecycle,
    revoker,
    sweep,
    idleWatch,
    expiry,
    brokers,
    sandbox: brokers.sandbox,
    brokerBanner: brokers.banner,
    metrics: [brokers.metrics, createRevocationMetrics(waitingOrders, clock)],
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
      tidiers: [brokers.tidy],
      others: [brokers.logoutQueue, brokers.refresher, ...(gate === undefined ? [] : [gate.watch])],
      log,
    }),
    userAdmin: createUserAdmin({ users, rules, hasher, lifecycle, audit }),
    visitorSecret: visitorIds.formSecretOf,
    sessionMiddleware: { storage: sessionStorage, ids, secrets: config.sessionSecrets, https: config.https },
    dashboard: {
      clock,
      calendar,
      policy,
      lifecycle,
      brokersOf: brokers.overview.of,
      latestReceipt: (userId: string) => orders.latestReceipt(userId),
      waitingOrders,
      requireAdmin: requireRole('admin'),
    },
    accounts: {
      authenticator: createAuthenticator({ users, hasher }),
      limiter,
      devices,
      users,
      rules,
      hasher,
      lifecycle,
      audit,
      liveSession,
    },
    sessions: { clock, calendar, policy, registry, lifecycle, clearCookie },
    broker: {
      ...brokers.routes,
      liveSession: (req: Request) => liveSession(req),
      requireAdmin: requireRole('admin'),
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
