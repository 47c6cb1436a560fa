import { type AuditLog, SYSTEM_ORIGIN } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import type { Log } from '../core/log.ts';
import { createPoller } from '../core/poller.ts';
import type { BrokerAdapters, BrokerLogoutResult } from './broker-adapter.ts';
import type { Credentials } from './credentials.ts';
import type { FailedLogoutStore } from './failed-logout-store.ts';
import { planLogoutRetry } from './logout-backoff.ts';
import type { ClaimedLogout, LogoutStore } from './logout-store.ts';
import type { TokenCipher } from './token-cipher.ts';
import type { TokenStore } from './token-store.ts';
import { within } from './within.ts';

const CONCURRENCY = 8;
/** Above what an adapter takes with time-outs of its own. */
const CALL_TIMEOUT_MS = 15 * SECOND_MS;
/** Well above the time-out of a call: a node that died gives its claims up by itself. */
const LEASE_MS = MINUTE_MS;
const POLL_MS = 15 * SECOND_MS;
const REMEMBERED_MS = 7 * DAY_MS;

export interface LogoutDrain {
  readonly done: number;
  readonly postponed: number;
  readonly dead: number;
}

/** Tells brokers of tokens that have ended here: outside of any request, until they know or there is no use in it. */
export interface BrokerLogoutQueue {
  /** Tries everything that is due, once. Several nodes may do so at the same time. */
  drain(): Promise<LogoutDrain>;
  /** Drains at once and then every 15 s. */
  start(): void;
  /** Drains soon, where started: to be called after a revocation. */
  wake(): void;
  /** Waits for the calls under way. */
  stop(): Promise<void>;
}

export interface BrokerLogoutQueueDeps {
  readonly logouts: LogoutStore;
  readonly failedLogouts: Pick<FailedLogoutStore, 'wipeExpired'>;
  readonly tokens: Pick<TokenStore, 'isTokenInUse'>;
  readonly adapters: BrokerAdapters;
  /** Looked up at the time: what a person has registered meanwhile counts. */
  readonly credentials: Pick<Credentials, 'of'>;
  readonly cipher: TokenCipher;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly log: Log;
  /** In [0, 1). */
  readonly random?: () => number;
  /** How long an adapter may take. */
  readonly callTimeoutMs?: number;
}

/**
 * `needless`: there is nothing to tell the broker. `hopeless`: nothing can be done before somebody else has done
 * something; `useless` says that not even then.
 */
type Attempt =
  | BrokerLogoutResult
  | { readonly kind: 'needless' | 'hopeless' | 'useless'; readonly why: string };

export function createBrokerLogoutQueue(deps: BrokerLogoutQueueDeps): BrokerLogoutQueue {
  const { logouts, failedLogouts, tokens, adapters, credentials, cipher, clock, audit, log } = deps;
  const { random = Math.random, callTimeoutMs = CALL_TIMEOUT_MS } = deps;
  let draining: Promise<LogoutDrain> | undefined;
  const poller = createPoller({
    intervalMs: POLL_MS,
    work: drain,
    onError: (error) => log.error({ err: error }, 'The logouts at brokers could not be worked on'),
  });

  return { drain, start: poller.start, wake: poller.wake, stop: poller.stop };

  function drain(): Promise<LogoutDrain> {
    draining ??= drainAll().finally(() => {
      draining = undefined;
    });
    return draining;
  }

  async function drainAll(): Promise<LogoutDrain> {
    const count = { done: 0, postponed: 0, dead: 0 };
    for (;;) {
      const claims = await logouts.claimDue({ now: clock.now(), limit: CONCURRENCY, leaseMs: LEASE_MS });
      if (claims.length === 0) break;
      for (const outcome of await Promise.all(claims.map(work))) count[outcome] += 1;
    }
    await failedLogouts.wipeExpired(clock.now());
    if (count.done > 0) await logouts.forgetDoneBefore(clock.now() - REMEMBERED_MS);
    return count;
  }

  async function work(claim: ClaimedLogout): Promise<keyof LogoutDrain> {
    const attempt = await logOut(claim);
    if (attempt.kind === 'done') return finish(claim);
    if (attempt.kind === 'needless') return drop(claim, attempt.why);
    if (attempt.kind === 'hopeless') return giveUp(claim, attempt.why);
    if (attempt.kind === 'useless') return giveUp(claim, attempt.why, { wipe: true });
    const { attempts, requestedAt } = claim;
    const plan = planLogoutRetry({ attempts, requestedAt, now: clock.now(), random: random() });
    if (plan.kind === 'give_up') return giveUp(claim, attempt.why);
    await logouts.postpone(claim, plan.at, attempt.why);
    return 'postponed';
  }

  async function logOut({ userId, broker, accessToken, tokenDigest }: ClaimedLogout): Promise<Attempt> {
    const adapter = adapters.get(broker);
    if (adapter === undefined) return { kind: 'refused', why: 'unknown_broker' };
    if (adapter.revoke === undefined) return { kind: 'needless', why: 'no_logout_at_broker' };
    // A broker may hand the same token out again: then its end here is not its end.
    if (tokenDigest !== undefined && (await tokens.isTokenInUse(broker, tokenDigest)))
      return { kind: 'needless', why: 'in_use_again' };
    const appCredentials = await credentials.of(userId, adapter);
    if (appCredentials === undefined) return { kind: 'hopeless', why: 'credentials_missing' };
    const decrypted = cipher.forBroker(broker).decrypt(accessToken);
    if (decrypted.kind === 'unreadable') return { kind: 'useless', why: 'unreadable' };
    try {
      const call = adapter.revoke({ credentials: appCredentials, accessToken: decrypted.text });
      return (await within(callTimeoutMs, call)) ?? { kind: 'unreachable', why: 'timeout' };
    } catch (error) {
      // Only its name: what an HTTP client throws may hold the token.
      log.error({ broker, error: nameOf(error) }, 'A broker adapter failed at logging out');
      return { kind: 'unreachable', why: 'error' };
    }
  }

  async function finish(claim: ClaimedLogout): Promise<'done'> {
    const { userId, broker } = claim;
    if (await logouts.close(claim))
      await audit.record({ type: 'broker.logged_out_at_broker', userId, broker }, SYSTEM_ORIGIN);
    return 'done';
  }

  async function drop(claim: ClaimedLogout, why: string): Promise<'done'> {
    await logouts.close(claim, why);
    return 'done';
  }

  async function giveUp(claim: ClaimedLogout, why: string, { wipe } = { wipe: false }): Promise<'dead'> {
    const { userId, broker, attempts } = claim;
    if (await logouts.bury(claim, why, { wipe })) {
      log.warn(
        { broker, attempts, why },
        'A broker could not be told of a logout, and will not be asked again',
      );
      const event = { type: 'broker.logout_at_broker_failed', userId, broker, attempts, why } as const;
      await audit.record(event, SYSTEM_ORIGIN);
    }
    return 'dead';
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
