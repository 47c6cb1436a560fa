import { randomUUID } from 'node:crypto';
import { SECOND_MS } from '../core/duration.ts';
import { createPoller } from '../core/poller.ts';
import type { Bus, BusMessage } from './bus.ts';
import { createMissedMessages } from './missed-messages.ts';
import { isCluster, type RedisClient, viaRedis } from './redis.ts';

/** Redis carries a message to all who listen, for any database number there. */
const channelOf = (installation: string): string => `curfew:bus:${installation}`;

/**
 * A listener that hears nothing cannot tell silence from a connection that a firewall has forgotten, or from a
 * subscription that did not survive a change of masters. So every node says something every so often, numbered like
 * all that it says, and listens for itself as well.
 */
const HEARTBEAT_MS = 2 * SECOND_MS;
/** A node that does not hear itself so often, though Redis took what it said, connects anew. */
const DEAF_AFTER_BEATS = 2;

export interface RedisBusDeps {
  /** Names what the nodes that are to hear each other have in common. */
  readonly installation: string;
  readonly publisher: RedisClient;
  /** A connection of its own, already connected: a subscribed one takes no other commands. */
  readonly subscriber: RedisClient;
}

/**
 * Messages between nodes over Redis pub/sub, which loses what is published while a node is not there. That something
 * was lost is told when Redis has confirmed a new subscription, or by the next number of the sender that was not heard.
 */
export async function createRedisBus({ installation, publisher, subscriber }: RedisBusDeps): Promise<Bus> {
  const channel = channelOf(installation);
  const sender = randomUUID();
  const missed = createMissedMessages();
  const listeners: ((message: BusMessage) => void)[] = [];
  const gapListeners: (() => void)[] = [];
  const own = { said: 0, heard: 0, beat: 0, beatsUnheard: 0 };

  async function say(message?: BusMessage): Promise<number> {
    own.said += 1;
    const envelope: Envelope = { sender, number: own.said, ...(message === undefined ? {} : { message }) };
    await publisher.publish(channel, JSON.stringify(envelope));
    return envelope.number;
  }

  function hear(text: string): void {
    const envelope = readEnvelope(text);
    if (envelope === undefined) return;
    if (missed.note(envelope.sender, envelope.number)) tellOfGap();
    if (envelope.sender === sender) own.heard = envelope.number;
    else if (envelope.message !== undefined) for (const listener of listeners) listener(envelope.message);
  }

  function tellOfGap(): void {
    for (const listener of gapListeners) listener();
  }

  /** Not before Redis has confirmed the subscription: what is published until then is not heard either. */
  function subscribeAnew(): void {
    // Where the connection broke again, this comes again with the next one.
    subscriber.subscribe(channel).then(tellOfGap, () => undefined);
  }

  async function beat(): Promise<void> {
    own.beatsUnheard = own.heard >= own.beat ? 0 : own.beatsUnheard + 1;
    if (own.beatsUnheard >= DEAF_AFTER_BEATS) {
      own.beatsUnheard = 0;
      subscriber.disconnect(true);
      return;
    }
    // Changes nothing where all is well; it is what makes a dead connection show, and a lost subscription come back.
    subscriber.subscribe(channel).catch(() => undefined);
    own.beat = await say();
  }

  subscriber.on('message', (_channel, text) => hear(text));
  await subscriber.subscribe(channel);
  subscriber.on('ready', subscribeAnew);
  // A Cluster stays ready when the node goes that it listened to.
  if (isCluster(subscriber)) subscriber.on('-node', subscribeAnew);

  // The connections report their errors themselves.
  const heartbeat = createPoller({ intervalMs: HEARTBEAT_MS, work: beat, onError: () => undefined });
  heartbeat.start();

  return {
    async publish(message) {
      await viaRedis(() => say(message));
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
  /** How many messages the sender has sent, this one included. */
  readonly number: number;
  /** Absent from a heartbeat. */
  readonly message?: BusMessage;
}

/** Undefined for what no node wrote: anything thrown here would take the process down. */
function readEnvelope(text: string): Envelope | undefined {
  try {
    const { sender, number, message } = JSON.parse(text) as Partial<Envelope>;
    if (typeof sender !== 'string' || typeof number !== 'number') return undefined;
    if (message === undefined) return { sender, number };
    return typeof message?.kind === 'string' ? { sender, number, message } : undefined;
  } catch {
    return undefined;
  }
}
