/** A queue, and how to ask for its depth. */
export interface Queue {
  readonly queue: QueueName;
  readonly depth: () => number | Promise<number>;
}

export const QUEUE_NAMES = [
  'revocations',
  'broker_logouts',
  'telegram',
  'mail',
  'passwords',
  'api_keys',
  'traffic',
  'ban_hits',
] as const;
export type QueueName = (typeof QUEUE_NAMES)[number];

/** Undefined where it could not be asked. */
export interface QueueDepth {
  readonly queue: QueueName;
  readonly depth: number | undefined;
}

export type QueueDepths = () => Promise<readonly QueueDepth[]>;

/** Asks all of them; one that does not answer leaves the others to be seen. */
export function createQueueDepths(queues: readonly Queue[]): QueueDepths {
  return () =>
    Promise.all(
      queues.map(async ({ queue, depth }) => {
        try {
          return { queue, depth: await depth() };
        } catch {
          return { queue, depth: undefined };
        }
      }),
    );
}
