import type { AuditEvent, AuditLog, AuditOrigin } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import { HOUR_MS, MINUTE_MS } from '../core/duration.ts';
import { createPoller, type Poller } from '../core/poller.ts';
import { addressBucket } from '../http/client-address.ts';
import { deviceName } from '../sessions/device-view.ts';
import type { UserStore } from './user-store.ts';
import { isUsername } from './username.ts';

type Why = Extract<AuditEvent, { type: 'login.failed' }>['why'];
type Together = Extract<AuditEvent, { type: 'login.failed_often' }>;

export interface FailedSignIn {
  /** As it was typed. */
  readonly username: string;
  readonly why: Why;
  /** Whether the browser had signed in before. */
  readonly isKnownDevice: boolean;
}

/** Records failed sign-ins: each with a row, and past a rate many with one. */
export interface FailedSignIns {
  record(failure: FailedSignIn, origin: AuditOrigin): Promise<void>;
  /** Writes down what was only counted so far. */
  flush(): Promise<void>;
  /** Does that every five minutes, and when the server closes. */
  readonly flushing: Pick<Poller, 'start' | 'stop'>;
}

export interface FailedSignInsDeps {
  readonly audit: AuditLog;
  readonly users: Pick<UserStore, 'findByUsername'>;
  readonly clock: Clock;
}

/**
 * With a row each, in an hour and a process, of all strangers together, and of all known devices: rows are kept for years, and
 * strangers must not fill the log. Apart, so that a flood of strangers does not hide what happens on a known device.
 */
const MOST_ALONE = 100;
const FLUSH_EVERY_MS = 5 * MINUTE_MS;
/** Names and addresses in a row that stands for many. */
const SAMPLE = 10;
const UNKNOWN = '(no such account)';

/**
 * A name stands in the log only where an account has it: people type their password into the wrong field, and it would stay
 * there for years (ASVS 16.2.5).
 */
export function createFailedSignIns({ audit, users, clock }: FailedSignInsDeps): FailedSignIns {
  const together = new Map<Why, Together>();
  let hour = 0;
  let alone = { strangers: 0, known: 0 };

  function hasRowOfItsOwn(who: keyof typeof alone): boolean {
    const thisHour = Math.floor(clock.now() / HOUR_MS);
    if (thisHour !== hour) {
      hour = thisHour;
      alone = { strangers: 0, known: 0 };
    }
    alone[who] += 1;
    return alone[who] <= MOST_ALONE;
  }

  async function accountOf(typed: string): Promise<{ readonly username: string; readonly userId?: string }> {
    // An account that could not be looked up is no reason to answer another thing.
    const user = isUsername(typed) ? await users.findByUsername(typed).catch(() => undefined) : undefined;
    return user === undefined ? { username: UNKNOWN } : { username: user.username, userId: user.id };
  }

  async function add({ username, why }: FailedSignIn, origin: AuditOrigin): Promise<void> {
    const now = clock.now();
    const before = together.get(why);
    const sum: Together = {
      type: 'login.failed_often',
      why,
      attempts: (before?.attempts ?? 0) + 1,
      first: before?.first ?? now,
      last: now,
      usernames: before?.usernames ?? [],
      addresses: withSample(before?.addresses ?? [], addressBucket(origin.address ?? '')),
    };
    together.set(why, sum);
    // The first few only: a flood must not ask the database for each.
    if (sum.attempts > SAMPLE) return;
    const { username: name } = await accountOf(username);
    const latest = together.get(why);
    if (latest !== undefined) together.set(why, { ...latest, usernames: withSample(latest.usernames, name) });
  }

  async function flush(): Promise<void> {
    const events = [...together.values()];
    together.clear();
    if (events.length > 0) await audit.recordMany(events, { actor: 'anonymous' });
  }

  const poller = createPoller({ intervalMs: FLUSH_EVERY_MS, work: flush, onError: () => undefined });

  return {
    async record(failure, origin) {
      if (!hasRowOfItsOwn(failure.isKnownDevice ? 'known' : 'strangers')) return add(failure, origin);
      const account = await accountOf(failure.username);
      await audit.record(
        {
          type: 'login.failed',
          ...account,
          why: failure.why,
          program: deviceName(origin.userAgent ?? ''),
          ...(failure.why === 'code' && !failure.isKnownDevice ? { passwordOnNewDevice: true } : {}),
        },
        origin,
      );
    },
    flush,
    flushing: {
      start: poller.start,
      async stop() {
        await poller.stop();
        await flush();
      },
    },
  };
}

function withSample(sample: readonly string[], text: string): readonly string[] {
  return sample.length >= SAMPLE || sample.includes(text) ? sample : [...sample, text];
}
