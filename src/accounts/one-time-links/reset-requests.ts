import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { AuditLog, AuditOrigin } from '../../core/audit-event.ts';
import type { Clock } from '../../core/clock.ts';
import { SECOND_MS } from '../../core/duration.ts';
import { createHourlyQuota } from '../../core/hourly-quota.ts';
import type { Log } from '../../core/log.ts';
import type { SendMail } from '../../core/mail.ts';
import { addressBucket } from '../../http/client-address.ts';
import { type CompoundLimiter, createCompoundLimiter, type RateLimit } from '../../http/compound-limiter.ts';
import type { Job } from '../../http/feature.ts';
import type { RedisClient } from '../../storage/redis.ts';
import { resetMail } from '../account-mails.ts';
import type { SecondFactor } from '../second-factor/second-factor.ts';
import type { User, UserStore } from '../user-store.ts';
import { isUsername, usernameKey } from '../username.ts';
import { BY_RECOVERY_CODE, type CreatedLink, LINK_PURPOSES, type OneTimeLinks } from './one-time-links.ts';

const SHORTEST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 1200;

/** Mails to one account, in the time that a link works. Apart from other limits, so asking for more holds back no other mail. */
const MAILS_OF_ACCOUNT: readonly RateLimit[] = [
  { points: 3, durationSeconds: LINK_PURPOSES.password_reset.lifetimeMs / SECOND_MS },
];

/** Of one email address: people share one, and each gets a link. */
const MOST_ACCOUNTS = 5;

/** Rows of refused codes, in an hour and a process: of one address, and of all together. */
const MOST_RECORDED = { most: 10, mostInAll: 100 };

type Limited = { readonly kind: 'limited'; readonly retryAfterSeconds: number };

/** Asking for a link to reset a password. The answer and its time say nothing about whether there is such an account. */
export interface ResetRequests {
  /** `name`: a username or an email address. Where it is known, a mail is on its way when the answer has gone out. */
  byEmail(name: string, origin: AuditOrigin): Promise<{ readonly kind: 'accepted' } | Limited>;
  /** A recovery code is used up for the link, and the others with its use. */
  byRecoveryCode(
    username: string,
    code: string,
    origin: AuditOrigin,
  ): Promise<{ readonly kind: 'link'; readonly link: CreatedLink } | { readonly kind: 'refused' } | Limited>;
  /** By an administrator, or on the command line. */
  forUser(user: User, by: 'administrator' | 'operator', origin: AuditOrigin): Promise<CreatedLink>;
  /** Waits for what goes on behind answers. */
  readonly finishing: Job;
}

export interface ResetRequestsDeps {
  readonly users: Pick<UserStore, 'findByUsername' | 'listByEmail'>;
  readonly secondFactor: Pick<SecondFactor, 'useRecoveryCode'>;
  readonly links: OneTimeLinks;
  readonly sendMail: SendMail;
  readonly redis: RedisClient | undefined;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly log: Log;
  /** RESET_RATE_LIMIT. */
  readonly resetLimits: readonly RateLimit[];
}

export function createResetRequests(deps: ResetRequestsDeps): ResetRequests {
  const { users, secondFactor, links, sendMail, redis, audit, clock, log, resetLimits } = deps;
  const limiter = (name: string, limits: readonly RateLimit[]): CompoundLimiter =>
    createCompoundLimiter({ name: `reset:${name}`, what: 'Password reset', limits, redis });
  const byAddress = limiter('address', resetLimits);
  const byAccount = limiter('account', MAILS_OF_ACCOUNT);
  const refusalsRecorded = createHourlyQuota({ clock, ...MOST_RECORDED });
  const underWay = new Set<Promise<void>>();

  async function limitOf({ address = 'unknown' }: AuditOrigin): Promise<Limited | undefined> {
    const taking = await byAddress.take(addressBucket(address));
    return taking.kind === 'limited' ? taking : undefined;
  }

  async function recordRefusal(user: User | undefined, origin: AuditOrigin): Promise<void> {
    if (!refusalsRecorded.take(addressBucket(origin.address ?? 'unknown'))) return;
    const whose = user === undefined ? {} : { userId: user.id };
    await audit.record({ type: 'reset.refused', ...whose, why: 'code' }, origin);
  }

  async function accountsOf(name: string): Promise<readonly User[]> {
    const byName = isUsername(name) ? await users.findByUsername(name) : undefined;
    const all = byName === undefined ? await users.listByEmail(name, MOST_ACCOUNTS) : [byName];
    return all.filter(({ disabled }) => !disabled);
  }

  async function mailTo(user: User, origin: AuditOrigin): Promise<void> {
    // Beyond that no more mails go out; the links in earlier mails still work, so a stranger locks no user out.
    if ((await byAccount.take(usernameKey(user.username))).kind === 'limited') return;
    const link = await links.create('password_reset', user.id);
    await sendMail(resetMail(user, link));
    await audit.record({ type: 'reset.requested', userId: user.id, by: 'email' }, origin);
  }

  /** Well behind the answer, and not at a time that could be told, or the time of answers would say who is there. */
  function inBackground(work: () => Promise<void>): void {
    const promise = pause(randomInt(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS))
      .then(work)
      .catch((err: unknown) => log.error({ err }, 'A mail to reset a password could not be prepared'))
      .finally(() => underWay.delete(promise));
    underWay.add(promise);
  }

  return {
    async byEmail(name, origin) {
      const limited = await limitOf(origin);
      if (limited !== undefined) return limited;
      inBackground(async () => {
        for (const user of await accountsOf(name)) await mailTo(user, origin);
      });
      return { kind: 'accepted' };
    },

    async byRecoveryCode(username, code, origin) {
      const limited = await limitOf(origin);
      if (limited !== undefined) return limited;
      const user = isUsername(username) ? await users.findByUsername(username) : undefined;
      const userId = user === undefined || user.disabled ? undefined : user.id;
      const isGood = await secondFactor.useRecoveryCode(userId, code, origin);
      if (!isGood || userId === undefined) {
        await recordRefusal(user, origin);
        return { kind: 'refused' };
      }
      const link = await links.create('password_reset', userId, BY_RECOVERY_CODE);
      await audit.record({ type: 'reset.requested', userId, by: 'recovery_code' }, origin);
      return { kind: 'link', link };
    },

    async forUser({ id: userId }, by, origin) {
      const link = await links.create('password_reset', userId);
      await audit.record({ type: 'reset.requested', userId, by }, origin);
      return link;
    },

    finishing: { start: () => undefined, stop: async () => void (await Promise.allSettled(underWay)) },
  };
}
