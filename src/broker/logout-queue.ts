import { type AuditLog, SYSTEM_ORIGIN } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../core/duration.ts';
import { backoffMs, createLeasedQueue, type LeasedQueue, type Tally } from '../core/leased-queue.ts';
import type { Log } from '../core/log.ts';
import { type AdapterCallDeps, createAdapterCall } from './adapter-call.ts';
import type { BrokerAdapters, BrokerLogoutResult } from './broker-adapter.ts';
import type { FailedLogoutStore } from './failed-logout-store.ts';
import type { ClaimedLogout, LogoutStore } from './logout-store.ts';
import type { TokenCipher } from './token-cipher.ts';
import type { TokenStore } from './token-store.ts';

const POLL_MS = 15 * SECOND_MS;
const REMEMBERED_MS = 7 * DAY_MS;

const MOST_ATTEMPTS = 10;
const PATIENCE_MS = DAY_MS;

const OUTCOMES = ['done', 'postponed', 'dead'] as const;
type LogoutTally = Partial<Tally<(typeof OUTCOMES)[number]>>;

/** Tells brokers of tokens that have ended here: outside of any request, until they know or there is no use in it. */
export type BrokerLogoutQueue = LeasedQueue<(typeof OUTCOMES)[number]>;

export interface BrokerLogoutQueueDeps extends AdapterCallDeps {
  readonly logouts: LogoutStore;
  readonly failedLogouts: Pick<FailedLogoutStore, 'wipeExpired'>;
  readonly tokens: Pick<TokenStore, 'isTokenInUse'>;
  readonly adapters: BrokerAdapters;
  readonly cipher: TokenCipher;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly log: Log;
  /** In [0, 1). */
  readonly random?: () => number;
}

/**
 * `needless`: there is nothing to tell the broker. `hopeless`: nothing can be done before a person acts; `useless`: not
 * even then.
 */
type Attempt =
  | BrokerLogoutResult
  | { readonly kind: 'needless' | 'hopeless' | 'useless'; readonly why: string };

export function createBrokerLogoutQueue(deps: BrokerLogoutQueueDeps): BrokerLogoutQueue {
  const { logouts, failedLogouts, tokens, adapters, cipher, clock, audit, log } = deps;
  const { random = Math.random } = deps;
  const callAdapter = createAdapterCall(deps);

  return createLeasedQueue({
    outcomes: OUTCOMES,
    claimDue: logouts.claimDue,
    work,
    async afterwards({ done }) {
      await failedLogouts.wipeExpired(clock.now());
      if (done > 0) await logouts.forgetDoneBefore(clock.now() - REMEMBERED_MS);
    },
    clock,
    intervalMs: POLL_MS,
    onError: (error) => log.error({ err: error }, 'Could not process broker logouts; retrying'),
  });

  async function work(claim: ClaimedLogout): Promise<LogoutTally> {
    const attempt = await logOut(claim);
    if (attempt.kind === 'done') return finish(claim);
    if (attempt.kind === 'needless') return drop(claim, attempt.why);
    if (attempt.kind === 'hopeless') return giveUp(claim, attempt.why);
    if (attempt.kind === 'useless') return giveUp(claim, attempt.why, { wipe: true });
    const { attempts, requestedAt } = claim;
    const plan = planLogoutRetry({ attempts, requestedAt, now: clock.now(), random: random() });
    if (plan.kind === 'give_up') return giveUp(claim, attempt.why);
    await logouts.postpone(claim, plan.at, attempt.why);
    return { postponed: 1 };
  }

  async function logOut({ userId, broker, accessToken, tokenDigest }: ClaimedLogout): Promise<Attempt> {
    const adapter = adapters.get(broker);
    if (adapter === undefined) return { kind: 'refused', why: 'unknown_broker' };
    const { revoke } = adapter;
    if (revoke === undefined) return { kind: 'needless', why: 'no_logout_at_broker' };
    // A broker may hand the same token out again: then its end here is not its end.
    if (tokenDigest !== undefined && (await tokens.isTokenInUse(broker, tokenDigest)))
      return { kind: 'needless', why: 'in_use_again' };
    const decrypted = cipher.forBroker(broker).decrypt(accessToken);
    const answer = await callAdapter(adapter, userId, async (appCredentials) =>
      decrypted.kind === 'unreadable'
        ? ({ kind: 'useless', why: 'unreadable' } as const)
        : revoke({ credentials: appCredentials, accessToken: decrypted.text }),
    );
    return answer.kind === 'credentials_missing' ? { kind: 'hopeless', why: answer.kind } : answer;
  }

  async function finish(claim: ClaimedLogout): Promise<LogoutTally> {
    const { userId, broker } = claim;
    if (await logouts.close(claim))
      await audit.record({ type: 'broker.logged_out_at_broker', userId, broker }, SYSTEM_ORIGIN);
    return { done: 1 };
  }

  async function drop(claim: ClaimedLogout, why: string): Promise<LogoutTally> {
    await logouts.close(claim, why);
    return { done: 1 };
  }

  async function giveUp(claim: ClaimedLogout, why: string, { wipe } = { wipe: false }): Promise<LogoutTally> {
    const { userId, broker, attempts } = claim;
    if (await logouts.bury(claim, why, { wipe })) {
      log.warn(
        { broker, attempts, why },
        'A broker could not be told of a logout, and will not be asked again',
      );
      const event = { type: 'broker.logout_at_broker_failed', userId, broker, attempts, why } as const;
      await audit.record(event, SYSTEM_ORIGIN);
    }
    return { dead: 1 };
  }
}

export type LogoutRetry = { readonly kind: 'retry'; readonly at: number } | { readonly kind: 'give_up' };

/**
 * When to try a failed logout again, in ms since the epoch: after 10 s, then twice as long each time up to an hour. Given up
 * after ten attempts or a day; by then the brokers have ended the token themselves.
 */
export function planLogoutRetry(options: {
  readonly attempts: number;
  readonly requestedAt: number;
  readonly now: number;
  readonly random: number;
}): LogoutRetry {
  const { attempts, requestedAt, now, random } = options;
  if (attempts >= MOST_ATTEMPTS || now - requestedAt >= PATIENCE_MS) return { kind: 'give_up' };
  const delay = backoffMs({ failures: attempts, firstMs: 10 * SECOND_MS, longestMs: HOUR_MS, random });
  return { kind: 'retry', at: now + delay };
}
