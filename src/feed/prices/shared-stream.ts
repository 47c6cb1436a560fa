import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { SECOND_MS } from '../../core/duration.ts';
import type {
  PriceMode,
  PriceStream,
  ReadStreamPass,
  StreamEnd,
  StreamListener,
} from '../../core/price-feed.ts';
import type { Channels } from '../../storage/redis-channels.ts';
import type { Leases } from '../../storage/redis-leases.ts';
import { type HeldStream, holdStream } from './held-stream.ts';
import {
  readSharedStreamMessage,
  type SharedStreamBody,
  type SharedStreamMessage,
} from './shared-stream-message.ts';

export interface SharedStreamDeps {
  readonly channels: Channels;
  readonly leases: Leases;
  readonly clock: Clock;
}

const ROUND_MS = SECOND_MS;
/** Of a stream that is settled: the lease is renewed, and each side says that it is there. */
const SETTLED_ROUND_MS = 3 * SECOND_MS;
const LEASE_MS = 10 * SECOND_MS;
/** A holder that has not seen its lease for so long ends its stream before another one may open it. */
const HOLDER_LASTS_MS = LEASE_MS - 1.5 * SECOND_MS;
const READER_LASTS_MS = 7 * SECOND_MS;

/**
 * Passes whose streams are shared: of all nodes one connects to the broker for a user's token, and the others read from
 * it over Redis. No token goes there, only the digest of one, in a name.
 */
export function shareStreams(readStreamPass: ReadStreamPass, deps: SharedStreamDeps): ReadStreamPass {
  return async function readSharedPass(userId, broker) {
    const pass = await readStreamPass(userId, broker);
    if (pass.kind !== 'pass') return pass;
    // With another token, too, no second stream is opened before the one of before has ended.
    const lease = `prices:${userId}:${broker}`;
    const names = { lease, topic: `${lease}:${pass.version}` };
    return { ...pass, connect: (listener) => openSharedStream(deps, names, pass.connect, listener) };
  };
}

/** Either the broker's stream, where this node has the lease of it, or a reader of the one that another node holds. */
function openSharedStream(
  { channels, leases, clock }: SharedStreamDeps,
  { lease, topic }: { readonly lease: string; readonly topic: string },
  connect: (listener: StreamListener) => PriceStream,
  listener: StreamListener,
): PriceStream {
  const id = randomUUID();
  const say = createVoice(channels, topic, id);
  const own = createOwnWants(tellOwn);
  const source = createSource(listener, finish);
  const asking = createAsking(talk);
  /** The broker's stream, where it is here. */
  let held: HeldStream | undefined;
  let isOver = false;

  const askingAgain = setInterval(tend, ROUND_MS).unref();

  /** Where it is lost, its reader misses the number, or the one who asks asks again. */
  function tell(body: SharedStreamBody): void {
    say(body).catch(() => undefined);
  }

  function tend(): void {
    const now = performance.now();
    const { heardAt } = source;
    const isUnproved = held !== undefined && now - asking.provedAt > HOLDER_LASTS_MS;
    const isUnheard = heardAt !== undefined && now - Math.min(asking.provedAt, heardAt) > READER_LASTS_MS;
    if (isUnproved || isUnheard) finish(lost('other_nodes_unheard'));
    if (isOver) return;
    asking.askWhenDue(now, held !== undefined || heardAt !== undefined);
  }

  async function talk(): Promise<void> {
    await channels.listen(topic, hear);
    if (isOver) return;
    if (source.heardAt === undefined) await askForLease();
    if (isOver) return;
    if (held === undefined) return say({ kind: 'want', wants: [...own.wants()] });
    held.sayOpen();
  }

  async function askForLease(): Promise<void> {
    const isHolder = await leases.hold(lease, id, LEASE_MS);
    if (held !== undefined && !isHolder) return finish(lost('another_holder'));
    if (held !== undefined || !isHolder) return;
    // There is no reader any more, or another one has opened it meanwhile.
    if (isOver || source.heardAt !== undefined) return leases.release(lease, id);
    asking.prove();
    held = holdStream({ connect, clock, tell }, { ...listener, onEnd: finish });
    held.want(own.wants());
  }

  function hear(text: string): void {
    const message = readSharedStreamMessage(text);
    if (message === undefined || message.from === id || isOver) return;
    if (message.body.kind === 'want') held?.hearReader(message.from, new Map(message.body.wants));
    else if (held === undefined) source.hear(message);
  }

  function tellOwn(): void {
    if (isOver) return;
    if (held === undefined) tell({ kind: 'want', wants: [...own.wants()] });
    else held.want(own.wants());
  }

  function leave(end: StreamEnd): void {
    isOver = true;
    clearInterval(askingAgain);
    channels.leave(topic, hear);
    if (held === undefined) {
      tell({ kind: 'want', wants: [] });
    } else {
      held.end();
      tell({ kind: 'end', end });
      leases.release(lease, id).catch(() => undefined);
    }
  }

  function finish(end: StreamEnd): void {
    if (isOver) return;
    leave(end);
    listener.onEnd(end);
  }

  void asking.ask();

  return {
    subscribe: own.put,
    setMode: own.put,
    unsubscribe: own.remove,
    end() {
      // Those who read it take it over.
      if (!isOver) leave(lost('holder_left'));
    },
  };
}

/** Numbers its messages, so that a reader sees that one is missing. */
function createVoice(channels: Channels, topic: string, id: string) {
  let said = 0;

  return async function say(body: SharedStreamBody): Promise<void> {
    said += 1;
    await channels.publish(topic, JSON.stringify({ from: id, number: said, body }));
  };
}

/** What this node wants of the stream; its changes are looked at together at the end of the turn. */
function createOwnWants(onChange: () => void) {
  const own = new Map<string, PriceMode>();
  let isChanged = false;

  function change(): void {
    if (isChanged) return;
    isChanged = true;
    setImmediate(() => {
      isChanged = false;
      onChange();
    });
  }

  return {
    wants: (): ReadonlyMap<string, PriceMode> => new Map(own),
    put(keys: readonly string[], mode: PriceMode): void {
      for (const key of keys) own.set(key, mode);
      change();
    },
    remove(keys: readonly string[]): void {
      for (const key of keys) own.delete(key);
      change();
    },
  };
}

/** The stream that is read from another node, from its first word on. */
function createSource(listener: StreamListener, finish: (end: StreamEnd) => void) {
  let source: { readonly id: string; number: number; heardAt: number } | undefined;

  return {
    /** Undefined where there is none. */
    get heardAt(): number | undefined {
      return source?.heardAt;
    },
    hear({ from, number, body }: SharedStreamMessage): void {
      if (source === undefined && body.kind === 'open') {
        source = { id: from, number, heardAt: performance.now() };
        listener.onOpen();
      } else if (source !== undefined && from !== source.id) {
        if (body.kind === 'open') finish(lost('another_holder'));
      } else if (source !== undefined && number !== source.number + 1) {
        finish(lost('messages_missed'));
      } else if (body.kind === 'end') {
        // The holder alone reports a rejection; here it means that the token is not shown again.
        finish(body.end.kind === 'rejected' ? { ...body.end, kind: 'refused' } : body.end);
      } else if (source !== undefined) {
        source = { id: from, number, heardAt: performance.now() };
        if (body.kind === 'ticks') listener.onTicks(body.ticks);
      }
    },
  };
}

/** Asks Redis again and again, and knows when it was last asked for what it answered well. */
function createAsking(talk: () => Promise<void>) {
  // Not by the clock that a machine's user sets.
  let provedAt = performance.now();
  let askedAt = Number.NEGATIVE_INFINITY;
  let isAsking = false;

  async function ask(): Promise<void> {
    isAsking = true;
    const at = performance.now();
    askedAt = at;
    try {
      await talk();
      provedAt = at;
    } catch {
      // The connection tells of it; what matters here is for how long.
    } finally {
      isAsking = false;
    }
  }

  return {
    get provedAt(): number {
      return provedAt;
    },
    /** What was asked last is answered well, though not all of it yet. */
    prove(): void {
      provedAt = askedAt;
    },
    ask,
    askWhenDue(now: number, isSettled: boolean): void {
      const pauseMs = isSettled && provedAt === askedAt ? SETTLED_ROUND_MS - ROUND_MS / 2 : 0;
      if (!isAsking && now - askedAt >= pauseMs) void ask();
    },
  };
}

const lost = (why: string): StreamEnd => ({ kind: 'lost', why });
