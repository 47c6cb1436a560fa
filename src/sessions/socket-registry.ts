import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SocketEnd } from '../core/close-codes.ts';
import type { FeedEvent } from '../core/feed-event.ts';
import { isInScope, type RevocableSession, type RevocationScope } from '../core/revocation.ts';

/** An API key, as what was opened with it is judged: by whether it is still good, from there and for that. */
export interface SocketKey {
  readonly id: string;
  readonly address: string;
  readonly scope: 'feed:read' | 'gateway:access';
}

/** Owner of a socket. Opened with a key, it has no session: `loginTime` is then when it was opened. */
export interface SocketOwner extends RevocableSession {
  readonly userId: string;
  readonly username: string;
  /** The API key that it was opened with; undefined for a browser's. */
  readonly key: SocketKey | undefined;
  /** When its key ends, in ms since the Unix epoch; Infinity where it does not. */
  readonly endsAt: number;
}

/** A socket or another lasting connection, or a request that may become one, as the parts that end sockets see it. */
export interface RegisteredSocket {
  readonly owner: SocketOwner;
  /** False for what is judged still. */
  readonly isOpen: boolean;
  /** Closes it. Harmless when it is closed. */
  end(why: SocketEnd): void;
  /** To be called once a second: pings, and gives up a client that neither answers nor reads. */
  tend(): void;
  /** Tells its client what has happened to the account, with the time in ISO 8601; undefined where the client hears of no events. */
  readonly tell?: (event: FeedEvent & { readonly time: string }) => void;
}

/** The sockets of this node, by user. A handshake stands in it before it is judged, so that no revocation misses it. */
export interface SocketRegistry {
  add(socket: RegisteredSocket): void;
  remove(socket: RegisteredSocket): void;
  of(userId: string): Iterable<RegisteredSocket>;
  all(): Iterable<RegisteredSocket>;
  userIds(): readonly string[];
  readonly size: number;
  /** Ends what a revocation covers: handshakes at once, then sockets in batches. Returns how many sockets those were. */
  endInScope(scope: RevocationScope, why: SocketEnd): Promise<number>;
  endAll(why: SocketEnd): void;
}

/** So many are closed in one turn of the event loop: each costs some 50 µs. */
const BATCH = 100;

export function createSocketRegistry(): SocketRegistry {
  const byUser = new Map<string, Set<RegisteredSocket>>();
  const everyone = new Set<RegisteredSocket>();

  const candidates = (scope: RevocationScope): readonly RegisteredSocket[] =>
    [...(scope.kind === 'sweep' ? everyone : (byUser.get(scope.userId) ?? []))].filter(({ owner }) =>
      isInScope(scope, owner),
    );

  return {
    add(socket) {
      const { userId } = socket.owner;
      byUser.set(userId, (byUser.get(userId) ?? new Set<RegisteredSocket>()).add(socket));
      everyone.add(socket);
    },
    remove(socket) {
      const { userId } = socket.owner;
      const sockets = byUser.get(userId);
      sockets?.delete(socket);
      if (sockets?.size === 0) byUser.delete(userId);
      everyone.delete(socket);
    },
    of: (userId) => byUser.get(userId) ?? [],
    all: () => everyone,
    userIds: () => [...byUser.keys()],
    get size() {
      return everyone.size;
    },
    async endInScope(scope, why) {
      const ending = candidates(scope);
      // One that is let in between two batches is none of the candidates: what it stems from must have ended by then.
      for (const handshake of ending.filter((each) => !each.isOpen)) handshake.end(why);
      const open = ending.filter((each) => each.isOpen);
      for (const [index, socket] of open.entries()) {
        if (index > 0 && index % BATCH === 0) await nextTurn();
        socket.end(why);
      }
      return open.length;
    },
    endAll(why) {
      for (const socket of [...everyone]) socket.end(why);
    },
  };
}
