import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import { ENDS } from '../core/close-codes.ts';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import type { RegisteredSocket, SocketOwner } from '../sessions/socket-registry.ts';
import { PROTOCOL_VERSION, type ServerMessage } from './messages.ts';

/** An open socket of a user. */
export interface FeedSocket extends RegisteredSocket {
  /** For replies and events: dropped with the socket where its client reads nothing. */
  readonly send: (message: ServerMessage) => void;
  /** For prices. Where the client is behind, a later frame under the same key takes the place of an earlier one. */
  sendLatest(key: string, frame: string): void;
  /** Frames from here to `uncork` leave as one packet. */
  cork(): void;
  uncork(): void;
  /** Closed, or about to be. */
  readonly hasEnded: boolean;
  onText(listener: (text: string) => void): void;
  /** Called once, when it is closed or about to be. */
  onEnd(listener: () => void): void;
}

const PING_EVERY_MS = 20 * SECOND_MS;
const MOST_MISSED_PONGS = 2;
const MAY_STOP_READING_MS = MINUTE_MS;
/** The other side gets so long to answer a close; then the connection is cut. */
const CLOSE_WITHIN_MS = SECOND_MS;
/** More than this is not handed to the connection at a time: the rest is replaced by what is newer. */
const HIGH_WATER_BYTES = 64 * 1024;
const MOST_BUFFERED_BYTES = 1024 * 1024;

/** Closes a message that is too large with the code of the contract; ws itself would close with 1009. */
export class FeedWebSocket extends WebSocket {
  onTooLarge: (() => void) | undefined;

  override close(code?: number, data?: string | Buffer): void {
    if (code === 1009 && this.onTooLarge !== undefined) this.onTooLarge();
    else super.close(code, data);
  }
}

export interface FeedSocketOptions {
  readonly ws: FeedWebSocket;
  /** The connection below it. */
  readonly connection: Duplex;
  readonly owner: SocketOwner;
}

/** ws's `error` events say what its close code says as well. */
const ignore = (): void => undefined;

export function createFeedSocket({ ws, connection, owner }: FeedSocketOptions): FeedSocket {
  const latest = new Map<string, string>();
  const endListeners: (() => void)[] = [];
  let hasEnded = false;
  let pingedAt = performance.now();
  let missedPongs = 0;
  let flushed = 0;
  let seen = { flushed, at: performance.now() };

  const canSend = (): boolean => !hasEnded && ws.readyState === WebSocket.OPEN;

  function noteEnd(): void {
    if (hasEnded) return;
    hasEnded = true;
    latest.clear();
    for (const listener of endListeners) listener();
  }

  function onFlushed(): void {
    flushed += 1;
    for (const [key, frame] of latest) {
      if (!canSend() || ws.bufferedAmount >= HIGH_WATER_BYTES) return;
      latest.delete(key);
      ws.send(frame, onFlushed);
    }
  }

  function isStuck(now: number): boolean {
    if (ws.bufferedAmount === 0 || flushed !== seen.flushed) seen = { flushed, at: now };
    return now - seen.at >= MAY_STOP_READING_MS;
  }

  const socket: FeedSocket = {
    owner,
    isOpen: true,
    tell: (event) => socket.send({ v: PROTOCOL_VERSION, type: 'event', ...event }),

    send(message) {
      if (!canSend()) return;
      if (ws.bufferedAmount > MOST_BUFFERED_BYTES) socket.end(ENDS.notReading);
      else ws.send(JSON.stringify(message), onFlushed);
    },

    sendLatest(key, frame) {
      if (!canSend()) return;
      if (ws.bufferedAmount >= HIGH_WATER_BYTES) latest.set(key, frame);
      else ws.send(frame, onFlushed);
    },

    cork: () => connection.cork(),
    uncork: () => connection.uncork(),
    get hasEnded() {
      return hasEnded;
    },

    tend() {
      const now = performance.now();
      if (isStuck(now)) return socket.end(ENDS.notReading);
      if (now - pingedAt < PING_EVERY_MS) return;
      if (missedPongs >= MOST_MISSED_PONGS) return socket.end(ENDS.noPong);
      pingedAt = now;
      missedPongs += 1;
      if (canSend()) ws.ping();
    },

    end({ code, reason }) {
      if (hasEnded) return;
      const wasOpen = canSend();
      noteEnd();
      if (!wasOpen) return ws.terminate();
      // One packet for both: ten thousand of them go out in the second of the cutoff.
      connection.cork();
      ws.send(
        JSON.stringify({ v: PROTOCOL_VERSION, type: 'bye', code, reason } satisfies ServerMessage),
        ignore,
      );
      ws.close(code, reason);
      connection.uncork();
      setTimeout(() => ws.terminate(), CLOSE_WITHIN_MS).unref();
    },

    onEnd: (listener) => void endListeners.push(listener),

    onText(listener) {
      ws.on('message', (data: Buffer, isBinary: boolean) => {
        if (hasEnded) return;
        listener(isBinary ? '' : data.toString());
      });
    },
  };

  ws.onTooLarge = () => socket.end(ENDS.tooLarge);
  ws.on('error', ignore);
  ws.on('pong', () => {
    missedPongs = 0;
  });
  ws.on('close', noteEnd);
  return socket;
}
