import { randomUUID } from 'node:crypto';
import { Cluster } from 'ioredis';
import { SECOND_MS } from '../core/duration.ts';
import { createPoller } from '../core/poller.ts';
import type { Bus, BusMessage } from './bus.ts';
import { type RedisClient, viaRedis } from './redis.ts';

const CHANNEL = 'curfew:bus';

/**
 * A listener that hears nothing cannot tell silence from a connection that a firewall has forgotten. So it asks: without
 * an answer the connection is made anew, and what it may have missed is treated as missed.
 */
const HEARTBEAT_MS = 2 * SECOND_MS;

export interface RedisBusDeps {
  readonly publisher: RedisClient;
  /** A connection of its own, already connected: a subscribed one takes no other commands. */
  readonly subscriber: RedisClient;
}

/** Messages between nodes over Redis pub/sub. What is published while a node is disconnected is lost to it: a gap. */
export async function createRedisBus({ publisher, subscriber }: RedisBusDeps): Promise<Bus> {
  const sender = randomUUID();
  const listeners: ((message: BusMessage) => void)[] = [];
  const gapListeners: (() => void)[] = [];

  subscriber.on('message', (_channel, text) => {
    const envelope = readEnvelope(text);
    if (envelope === undefined || envelope.sender === sender) return;
    for (const listener of listeners) listener(envelope.message);
  });
  await subscriber.subscribe(CHANNEL);
  const tellOfGap = (): void => {
    for (const listener of gapListeners) listener();
  };
  subscriber.on('ready', tellOfGap);
  // A Cluster stays ready when the node goes that it listened to.
  if (subscriber instanceof Cluster) subscriber.on('-node', tellOfGap);

  const heartbeat = createPoller({
    intervalMs: HEARTBEAT_MS,
    work: () => subscriber.ping(),
    // The connection reports its errors itself.
    onError: () => undefined,
  });
  heartbeat.start();

  return {
    async publish(message) {
      await viaRedis(() => publisher.publish(CHANNEL, JSON.stringify({ sender, message })));
    },
    onMessage: (listener) => {
      listeners.push(listener);
    },
    onGap: (listener) => {
      gapListeners.push(listener);
    },
    close() {
      // The round under way ends with the connection.
      void heartbeat.stop();
      subscriber.disconnect();
      return Promise.resolve();
    },
  };
}

interface Envelope {
  readonly sender: string;
  readonly message: BusMessage;
}

/** Undefined for what no node wrote: anything thrown here would take the process down. */
function readEnvelope(text: string): Envelope | undefined {
  try {
    const { sender, message } = JSON.parse(text) as Partial<Envelope>;
    return typeof sender === 'string' && typeof message?.kind === 'string' ? { sender, message } : undefined;
  } catch {
    return undefined;
  }
}
