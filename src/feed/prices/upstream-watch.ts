import type { AuditListener } from '../../core/audit-event.ts';
import { SECOND_MS } from '../../core/duration.ts';
import type { Log } from '../../core/log.ts';
import { createPoller } from '../../core/poller.ts';
import type { Job } from '../../http/feature.ts';
import type { Acting } from '../../storage/acting.ts';
import type { Bus } from '../../storage/bus.ts';
import type { Upstreams } from './upstreams.ts';

export interface UpstreamWatchDeps {
  readonly upstreams: Upstreams;
  readonly bus: Pick<Bus, 'onMessage' | 'onGap'>;
  readonly acting: Pick<Acting, 'asServer'>;
  readonly log: Log;
}

export interface UpstreamWatch {
  readonly jobs: readonly Job[];
  /** Hears of tokens that this node has changed. */
  readonly listener: AuditListener;
}

const ROUND_MS = SECOND_MS;
const LOOK_EVERY_MS = 5 * SECOND_MS;

/** Keeps each price stream to its token: by messages, and by looking where none has come. */
export function createUpstreamWatch(deps: UpstreamWatchDeps): UpstreamWatch {
  const { upstreams, bus, acting, log } = deps;

  async function lookAtAll(): Promise<void> {
    for (const upstream of upstreams.all()) await upstream.look();
  }

  const onError = (err: unknown): void =>
    log.warn({ err }, 'Price streams could not be compared with their tokens; it is tried again');
  const looking = createPoller({ intervalMs: LOOK_EVERY_MS, work: lookAtAll, onError });

  bus.onMessage((message) => {
    if (message.kind === 'caches.clear_tokens') upstreams.look(message.userId);
  });
  bus.onGap(() => looking.wake());

  return {
    async listener(events) {
      for (const event of events)
        if (event.type.startsWith('broker.') && 'userId' in event && event.userId !== undefined) {
          const { userId } = event;
          // A stream outlives the request that it is opened in.
          acting.asServer(() => upstreams.look(userId));
        }
    },
    jobs: [
      looking,
      createPoller({
        intervalMs: ROUND_MS,
        work: async () => {
          for (const upstream of upstreams.all()) upstream.tend();
        },
        onError,
      }),
    ],
  };
}
