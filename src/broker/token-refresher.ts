import { type AuditLog, SYSTEM_ORIGIN } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { SECOND_MS } from '../core/duration.ts';
import { createLeasedQueue, type LeasedQueue } from '../core/leased-queue.ts';
import type { Log } from '../core/log.ts';
import type { EpochStore } from '../revocation/epoch-store.ts';
import { type AdapterCallDeps, createAdapterCall } from './adapter-call.ts';
import type { BrokerAdapters, BrokerGrant, BrokerProblem } from './broker-adapter.ts';
import type { ConnectionEndReason } from './connection.ts';
import type { LogoutStore } from './logout-store.ts';
import type { RefreshClaim, RefreshStore } from './refresh-store.ts';
import { refreshDueAt, refreshRetryAt } from './refresh-times.ts';
import { secretDigest } from './secret-digest.ts';
import type { TokenCipher } from './token-cipher.ts';
import type { InvalidateTokens } from './token-invalidator.ts';
import type { TokenStore } from './token-store.ts';

const POLL_MS = 15 * SECOND_MS;

/** `ended`: the broker refused for good. `late`: the connection had ended by the time the broker answered. */
const OUTCOMES = ['refreshed', 'postponed', 'ended', 'late'] as const;
type RefreshOutcome = (typeof OUTCOMES)[number];

/** Asks brokers for new access tokens before the present ones end; at each broker, one node for each connection. */
export type TokenRefresher = LeasedQueue<RefreshOutcome>;

export interface TokenRefresherDeps extends AdapterCallDeps {
  readonly refreshes: RefreshStore;
  readonly tokens: Pick<TokenStore, 'end'>;
  readonly logouts: Pick<LogoutStore, 'add'>;
  readonly adapters: BrokerAdapters;
  readonly cipher: TokenCipher;
  readonly epochs: EpochStore;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly log: Log;
  readonly invalidateTokens: InvalidateTokens;
  readonly wakeLogouts: () => void;
}

/**
 * A refreshed connection keeps its `issuedAt` and its epoch: it falls at the cutoff after the person connected, however
 * long the broker would go on. Only tokens that end before the next cutoff are refreshed at all.
 */
export function createTokenRefresher(deps: TokenRefresherDeps): TokenRefresher {
  const { refreshes, tokens, logouts, adapters, cipher, epochs, calendar, clock } = deps;
  const { audit, log, invalidateTokens, wakeLogouts } = deps;
  const callAdapter = createAdapterCall(deps);

  return createLeasedQueue({
    outcomes: OUTCOMES,
    claimDue: (lease) =>
      refreshes.claimDue({ ...lease, lastCutoff: calendar.last(), nextCutoff: calendar.next() }),
    work: async (claim) => ({ [await work(claim)]: 1 }),
    clock,
    intervalMs: POLL_MS,
    onError: (error) => log.error({ err: error }, 'The broker tokens could not be refreshed'),
  });

  async function work(claim: RefreshClaim): Promise<RefreshOutcome> {
    if (await isOver(claim)) return postpone(claim, 'ended_meanwhile');
    const { text, kind } = decrypt(claim);
    if (kind === 'unreadable') return end(claim, 'unreadable', 'unreadable');
    const answer = await ask(claim, text);
    switch (answer.kind) {
      case 'granted':
        return keep(claim, answer);
      case 'refused':
        return end(claim, 'refused_by_broker', answer.why);
      case 'unreachable':
        return postpone(claim, answer.why);
    }
  }

  function decrypt({ broker, refreshToken }: RefreshClaim) {
    const decrypted = cipher.forBroker(broker).decrypt(refreshToken);
    return decrypted.kind === 'ok' ? decrypted : { kind: decrypted.kind, text: '' };
  }

  async function ask(
    { userId, broker }: RefreshClaim,
    refreshToken: string,
  ): Promise<BrokerGrant | BrokerProblem> {
    const adapter = adapters.get(broker);
    const refresh = adapter?.refresh;
    if (adapter === undefined || refresh === undefined) return { kind: 'unreachable', why: 'unknown_broker' };
    const answer = await callAdapter(adapter, userId, (appCredentials) =>
      refresh({ credentials: appCredentials, refreshToken }),
    );
    // The app keys may be entered again in time.
    return answer.kind === 'credentials_missing' ? { kind: 'unreachable', why: answer.kind } : answer;
  }

  /** A token that cannot be stored any more is ended at its broker. */
  async function keep(claim: RefreshClaim, grant: BrokerGrant): Promise<RefreshOutcome> {
    const { userId, broker, issuedAt } = claim;
    const now = clock.now();
    const fresh = toFresh(grant, cipher.forBroker(broker).encrypt, Math.max(now, issuedAt));
    const stored = !calendar.isPast(issuedAt) && (await refreshes.complete(claim, fresh));
    await invalidateTokens(userId, broker);
    if (stored) {
      await audit.record({ type: 'broker.token_refreshed', userId, broker }, SYSTEM_ORIGIN);
      return 'refreshed';
    }
    await logouts.add({ id: crypto.randomUUID(), userId, broker, ...fresh }, now);
    wakeLogouts();
    return 'late';
  }

  /** Only while the claim is ours: after another node's success our refusal says nothing. */
  async function end(claim: RefreshClaim, reason: ConnectionEndReason, why: string): Promise<RefreshOutcome> {
    const { id, userId, broker } = claim;
    if (!(await refreshes.isHeld(claim))) return 'late';
    const ended = await tokens.end({ kind: 'one', id }, { reason, now: clock.now() });
    await invalidateTokens(userId, broker);
    if (ended.length === 0) return 'late';
    wakeLogouts();
    await audit.record(
      reason === 'unreadable'
        ? { type: 'broker.token_unreadable', userId, broker }
        : { type: 'broker.refresh_refused', userId, broker, why },
      SYSTEM_ORIGIN,
    );
    return 'ended';
  }

  async function postpone(claim: RefreshClaim, why: string): Promise<'postponed'> {
    const failures = claim.failures + 1;
    log.debug({ broker: claim.broker, failures, why }, 'A broker token could not be refreshed yet');
    await refreshes.postpone(claim, refreshRetryAt(failures, clock.now()), failures);
    return 'postponed';
  }

  async function isOver({ userId, epoch, issuedAt }: RefreshClaim): Promise<boolean> {
    if (calendar.isPast(issuedAt)) return true;
    return (await epochs.current(userId)) !== epoch;
  }
}

function toFresh(grant: BrokerGrant, encrypt: (text: string) => string, issuedAt: number) {
  const { accessToken, feedToken, refreshToken, expiresAt } = grant;
  return {
    accessToken: encrypt(accessToken),
    tokenDigest: secretDigest(accessToken),
    feedToken: feedToken === undefined ? undefined : encrypt(feedToken),
    refreshToken: refreshToken === undefined ? undefined : encrypt(refreshToken),
    expiresAt,
    refreshAt: refreshDueAt({ issuedAt, expiresAt }),
  };
}
