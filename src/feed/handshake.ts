import type { Request, Response } from 'express';
import { WebSocketServer } from 'ws';
import { ENDS, type SocketEnd } from '../core/close-codes.ts';
import { leaveHttp, type Upgrade, upgradeOf } from '../http/upgrade.ts';
import { socketRefusal } from '../sessions/socket-refusal.ts';
import type { RegisteredSocket, SocketOwner, SocketRegistry } from '../sessions/socket-registry.ts';
import type { Acting } from '../storage/acting.ts';
import { createFeedSocket, type FeedSocket, FeedWebSocket } from './feed-socket.ts';
import type { SocketStanding } from './socket-standing.ts';
import type { UserQuota } from './user-quota.ts';

export interface HandshakeDeps {
  readonly sockets: SocketRegistry;
  readonly standing: SocketStanding;
  /** Of SOCKETS_PER_USER. */
  readonly seats: UserQuota;
  readonly acting: Pick<Acting, 'asServer'>;
  /** Whether this node is about to stop. */
  readonly isClosing: () => boolean;
  readonly onOpen: (socket: FeedSocket) => void;
}

/** Makes a socket of a request whose session or key was accepted. Throws where that is over by now. */
export type OpenSocket = (req: Request, res: Response, owner: SocketOwner) => Promise<void>;

const LARGEST_MESSAGE_BYTES = 64 * 1024;

export function createHandshake(deps: HandshakeDeps): OpenSocket {
  const { sockets, standing, seats, acting, isClosing, onOpen } = deps;
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: LARGEST_MESSAGE_BYTES,
    perMessageDeflate: false,
    clientTracking: false,
    WebSocket: FeedWebSocket,
  });

  /** Undefined where the handshake itself was wrong, or its client has gone: then ws has answered. */
  function complete(req: Request, res: Response, upgrade: Upgrade, seat: Seat): FeedSocket | undefined {
    let opened: FeedSocket | undefined;
    leaveHttp(res, upgrade);
    server.handleUpgrade(req, upgrade.socket, upgrade.head, (ws) => {
      const socket = createFeedSocket({ ws, connection: upgrade.socket, owner: seat.owner });
      sockets.add(socket);
      socket.onEnd(() => {
        sockets.remove(socket);
        void seats.release(seat);
      });
      opened = socket;
    });
    return opened;
  }

  /** Registered before it is judged: a revocation finds it there, or was stored before and is found by judging. */
  async function judge(candidate: Candidate, seat: Seat): Promise<{ readonly isSeated: boolean }> {
    const end = await standing.judge(candidate.owner);
    if (end !== undefined) throw socketRefusal(end);
    const isSeated = await seats.set(seat, 1);
    if (candidate.endedBy !== undefined) throw socketRefusal(candidate.endedBy);
    return { isSeated };
  }

  return async function openSocket(req, res, owner) {
    const upgrade = upgradeOf(req);
    if (upgrade === undefined) return refuseWithoutUpgrade(res);
    if (isClosing()) throw socketRefusal(ENDS.restarting);
    const candidate = createCandidate(owner);
    const seat = { owner };
    let opened: FeedSocket | undefined;
    sockets.add(candidate);
    try {
      const { isSeated } = await judge(candidate, seat);
      opened = acting.asServer(() => complete(req, res, upgrade, seat));
      if (!isSeated) return opened?.end(ENDS.overLimit);
    } finally {
      sockets.remove(candidate);
      if (opened === undefined) void seats.release(seat);
    }
    if (opened !== undefined) onOpen(opened);
  };
}

/** The place of one socket. */
interface Seat {
  readonly owner: SocketOwner;
}

interface Candidate extends RegisteredSocket {
  /** The end that came while it was judged. */
  readonly endedBy: SocketEnd | undefined;
}

function createCandidate(owner: SocketOwner): Candidate {
  let endedBy: SocketEnd | undefined;
  return {
    owner,
    isOpen: false,
    tend: () => undefined,
    end(why) {
      endedBy ??= why;
    },
    get endedBy() {
      return endedBy;
    },
  };
}

/** RFC 9110, 15.5.22. */
function refuseWithoutUpgrade(res: Response): void {
  const message = 'This address is a WebSocket. Open it with a WebSocket client.';
  res.status(426).set({ Upgrade: 'websocket', Connection: 'Upgrade', 'Cache-Control': 'no-store' });
  res.json({ status: 'error', error: 'invalid', message });
}
