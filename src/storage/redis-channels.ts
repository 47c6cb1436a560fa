import type { RedisClient } from './redis.ts';

/** Messages between nodes about one topic while it concerns them. A node that is not there misses them. */
export interface Channels {
  /** Resolves once Redis has confirmed. Again is harmless, and brings a subscription back that a connection has lost. */
  listen(topic: string, listener: (text: string) => void): Promise<void>;
  leave(topic: string, listener: (text: string) => void): void;
  /** To all who listen, the sender included, in the order of the calls. */
  publish(topic: string, text: string): Promise<void>;
  close(): void;
}

export interface RedisChannelsDeps {
  /** Names what the nodes that are to hear each other have in common. */
  readonly installation: string;
  readonly publisher: RedisClient;
  /** A connection of its own, already connected: a subscribed one takes no other commands. */
  readonly subscriber: RedisClient;
}

/** With the channel for a key: a Cluster takes messages without one at any of its nodes, where they overtake each other. */
const PUBLISH = `return redis.call('publish', KEYS[1], ARGV[1])`;

/** Not over the bus: a revocation must not wait behind a thousand prices. */
export function createRedisChannels({ installation, publisher, subscriber }: RedisChannelsDeps): Channels {
  const byChannel = new Map<string, Set<(text: string) => void>>();
  const channelOf = (topic: string): string => `curfew:topic:${installation}:${topic}`;

  subscriber.on('message', (channel, text) => {
    for (const listener of byChannel.get(channel) ?? []) listener(text);
  });

  return {
    async listen(topic, listener) {
      const channel = channelOf(topic);
      const listeners = byChannel.get(channel) ?? new Set();
      byChannel.set(channel, listeners.add(listener));
      await subscriber.subscribe(channel);
    },
    leave(topic, listener) {
      const channel = channelOf(topic);
      const listeners = byChannel.get(channel);
      listeners?.delete(listener);
      if (listeners?.size !== 0) return;
      byChannel.delete(channel);
      // Without a connection there is no subscription either.
      subscriber.unsubscribe(channel).catch(() => undefined);
    },
    async publish(topic, text) {
      await publisher.eval(PUBLISH, 1, channelOf(topic), text);
    },
    close: () => subscriber.disconnect(),
  };
}
