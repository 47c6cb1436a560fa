import type { Request, RequestHandler, Router } from 'express';
import type { AuditListener } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import { ENDS } from '../core/close-codes.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { Log } from '../core/log.ts';
import { createPoller } from '../core/poller.ts';
import type { LivePolicy } from '../core/session-policy.ts';
import { createCompoundLimiter, type RateLimit } from '../http/compound-limiter.ts';
import type { Draining } from '../http/draining.ts';
import type { Feature } from '../http/feature.ts';
import { counter, gauge } from '../http/metrics.ts';
import type { TakesHandshake } from '../http/upgrade.ts';
import type { EpochStore } from '../revocation/epoch-store.ts';
import type { RevocationStore } from '../revocation/revocation-store.ts';
import type { SessionActors } from '../sessions/session-actors.ts';
import type { SessionRegistry } from '../sessions/session-storage.ts';
import type { SocketRegistry } from '../sessions/socket-registry.ts';
import type { Bus } from '../storage/bus.ts';
import type { Database } from '../storage/database.ts';
import type { RedisClient } from '../storage/redis.ts';
import { createConversation } from './conversation.ts';
import { createFeedEventListener } from './event-listener.ts';
import { createFeedEvents, type FeedEvents } from './feed-events.ts';
import { createHandshake } from './handshake.ts';
import { type BrokerChoiceDeps, createBrokerChoice } from './prices/choose-broker.ts';
import { createPlaceFinder, type PlaceFinderDeps } from './prices/find-place.ts';
import { createPriceDesk } from './prices/price-desk.ts';
import { createPriceGlance, type PriceGlance } from './prices/price-glance.ts';
import { createPriceMetrics } from './prices/price-metrics.ts';
import { createStreamQuota } from './prices/stream-quota.ts';
import { createUpstreamWatch } from './prices/upstream-watch.ts';
import type { Upstreams } from './prices/upstreams.ts';
import { createFeedRouter, createPolicyChooser, createProgramRouter, type FeedRouteDeps } from './routes.ts';
import { createSocketMonitor, type SocketMonitor } from './socket-monitor.ts';
import { SOCKET_PATH } from './socket-path.ts';
import {
  createSocketStanding,
  type SocketStanding,
  type SocketStandingDeps,
  type WhyNoSocket,
} from './socket-standing.ts';
import { listenForSocketEnds } from './socket-target.ts';
import { createUserQuota, RENEW_QUOTAS_EVERY_MS } from './user-quota.ts';

export interface FeedFeatureDeps extends BrokerChoiceDeps, PlaceFinderDeps {
  readonly database: Database;
  readonly redis: RedisClient | undefined;
  readonly bus: Bus;
  readonly policy: LivePolicy;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: SessionRegistry;
  readonly epochs: EpochStore;
  readonly revocations: Pick<RevocationStore, 'listSince'>;
  readonly actors: SessionActors;
  readonly draining: Draining;
  /** Made beforehand: the revoker ends what stands in it. */
  readonly sockets: SocketRegistry;
  /** Made beforehand: a receipt counts what ends there. */
  readonly upstreams: Upstreams;
  /** SOCKETS_PER_USER. */
  readonly mostPerUser: number;
  /** SOCKET_SUBSCRIPTIONS. */
  readonly mostSubscriptions: number;
  /** SOCKET_RATE_LIMIT. */
  readonly rateLimits: readonly RateLimit[];
  readonly publicOrigin: string;
  /** Of the session. */
  readonly cookieName: string;
  readonly showsKey: (req: Request) => boolean;
  readonly refuseKeyInAddress: FeedRouteDeps['refuseKeyInAddress'];
  readonly admitKey: FeedRouteDeps['admitKey'];
  readonly whyNoSocket: WhyNoSocket;
  readonly alertMinutesOf: (userId: string) => Promise<number>;
  readonly listAdministrators: () => Promise<readonly string[]>;
  readonly whenKeysChange: SocketStandingDeps['whenKeysChange'];
}

export interface FeedFeature extends Feature {
  readonly monitor: SocketMonitor;
  /** For what else stands in the registry of sockets. */
  readonly standing: SocketStanding;
  readonly events: FeedEvents;
  /** For pages that show prices without a script. */
  readonly glance: PriceGlance;
  /** Tells users' sockets of what is recorded about them. */
  readonly listener: AuditListener;
  /** Behind the reader of route policies. */
  readonly choosePolicy: RequestHandler;
  /** In front of the session. */
  readonly programs: Router;
  readonly takesHandshake: TakesHandshake;
}

/** The whole feature, wired. Opens nothing and starts nothing. */
export function createFeedFeature(deps: FeedFeatureDeps): FeedFeature {
  const { bus, database, draining, sockets, clock, log, mostPerUser, mostSubscriptions } = deps;
  const standing = createSocketStanding(deps);
  const seats = createUserQuota({ ...deps, name: 'open-sockets', most: mostPerUser });
  const monitor = createSocketMonitor({ ...deps, standing });
  const limits = { name: 'socket', what: 'The feed', limits: deps.rateLimits, redis: deps.redis };
  const quota = createUserQuota({ ...deps, name: 'subscriptions', most: mostSubscriptions });
  const streamQuota = createStreamQuota({
    ...deps,
    createQuota: (broker, most) => createUserQuota({ ...deps, name: `instruments:${broker}`, most }),
  });
  const market = { ...deps, chooseBroker: createBrokerChoice(deps), findPlace: createPlaceFinder(deps) };
  const prices = createPriceDesk({ ...market, quota, streamQuota });
  const watch = createUpstreamWatch({ ...deps, acting: database.acting });
  const converse = createConversation({
    limiter: createCompoundLimiter(limits),
    standing,
    prices,
    clock,
    onError: (err) => log.error({ err }, 'A message over a socket could not be answered'),
  });
  const events = createFeedEvents(deps);
  let isClosing = false;
  let opened = 0;
  let closed = 0;
  const openSocket = createHandshake({
    ...deps,
    standing,
    seats,
    acting: database.acting,
    isClosing: () => isClosing,
    onOpen(socket) {
      opened += 1;
      socket.onEnd(() => {
        closed += 1;
      });
      converse(socket);
      socket.onEnd(standing.watchKey(socket));
    },
  });
  const renewing = createPoller({
    intervalMs: RENEW_QUOTAS_EVERY_MS,
    work: () => Promise.all([seats.renew(), quota.renew(), streamQuota.renew()]),
    onError: (err) =>
      log.warn({ err }, 'The counts of sockets and subscriptions could not be renewed; it is tried again'),
  });

  function close(): void {
    isClosing = true;
    sockets.endAll(ENDS.restarting);
  }

  const tellSockets = createFeedEventListener(events.tell, deps.listAdministrators);
  const routes = { ...deps, openSocket };

  listenForSocketEnds(sockets, bus, log);
  draining.onBegin(close);

  return {
    monitor,
    standing,
    events,
    glance: createPriceGlance({ ...market, acting: database.acting }),
    async listener(recorded, origin) {
      await watch.listener(recorded, origin);
      await tellSockets(recorded, origin);
    },
    choosePolicy: createPolicyChooser(deps.showsKey),
    programs: createProgramRouter(routes),
    router: createFeedRouter(routes),
    takesHandshake: ({ url = '' }) => url.split('?', 1)[0] === SOCKET_PATH,
    jobs: [
      ...monitor.jobs,
      ...watch.jobs,
      events.job,
      renewing,
      { start: () => undefined, stop: async () => close() },
    ],
    metrics: [
      gauge({ name: 'curfew_sockets', help: 'Open sockets on this node.', read: () => opened - closed }),
      counter({
        name: 'curfew_sockets_opened_total',
        help: 'Sockets that were opened on this node.',
        read: () => opened,
      }),
      ...createPriceMetrics(deps.upstreams, prices),
    ],
  };
}
