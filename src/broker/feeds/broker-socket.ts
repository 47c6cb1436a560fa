import { WebSocket } from 'ws';
import { SECOND_MS } from '../../core/duration.ts';
import type { StreamEnd } from '../../core/price-feed.ts';

export interface BrokerSocketOptions {
  /** It may hold a token: it is never logged, and no error names it. */
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** A socket that says nothing for so long, not even a ping or a heartbeat, is lost. */
  readonly silentAfterMs: number;
  readonly onOpen: () => void;
  readonly onText?: (text: string) => void;
  readonly onBinary: (data: Buffer) => void;
  /** Called once, unless `end` was. */
  readonly onEnd: (end: StreamEnd) => void;
}

export interface BrokerSocket {
  send(message: object, how?: 'text' | 'binary'): void;
  /** Gives it up, and says why. */
  fail(end: StreamEnd): void;
  /** Closes it without a word to the listener. Twice is harmless. */
  end(): void;
}

const OPEN_WITHIN_MS = 10 * SECOND_MS;
const LARGEST_MESSAGE_BYTES = 4 * 1024 * 1024;
/** A broker that takes nothing is as good as gone. */
const MOST_BUFFERED_BYTES = 1024 * 1024;

/** A WebSocket to a broker. Each failure comes back as a fixed word: errors of the library may hold the address. */
export function openBrokerSocket(options: BrokerSocketOptions): BrokerSocket {
  const { url, headers = {}, silentAfterMs, onOpen, onText, onBinary, onEnd } = options;
  const ws = new WebSocket(url, {
    headers,
    handshakeTimeout: OPEN_WITHIN_MS,
    maxPayload: LARGEST_MESSAGE_BYTES,
    perMessageDeflate: false,
    followRedirects: false,
  });
  let heardAt = performance.now();
  let hasEnded = false;

  const hear = (): void => {
    heardAt = performance.now();
  };
  const watch = setInterval(() => {
    if (ws.readyState === WebSocket.OPEN && performance.now() - heardAt >= silentAfterMs)
      fail({ kind: 'lost', why: 'silent' });
  }, SECOND_MS).unref();

  function end(): void {
    if (hasEnded) return;
    hasEnded = true;
    clearInterval(watch);
    // Without a closing handshake: a file descriptor must not wait for the other side.
    ws.terminate();
  }

  function fail(why: StreamEnd): void {
    if (hasEnded) return;
    end();
    onEnd(why);
  }

  ws.on('error', () => fail({ kind: 'lost', why: 'network' }));
  ws.on('unexpected-response', (_req, { statusCode = 0 }) => fail(endOfStatus(statusCode)));
  ws.on('close', () => fail({ kind: 'lost', why: 'closed' }));
  ws.on('ping', hear);
  ws.on('open', () => {
    hear();
    if (!hasEnded) onOpen();
  });
  ws.on('message', (data: Buffer, isBinary: boolean) => {
    hear();
    if (hasEnded) return;
    try {
      if (isBinary) onBinary(data);
      else onText?.(data.toString());
    } catch {
      // One message of a broker's must not end the process.
      fail({ kind: 'lost', why: 'garbled' });
    }
  });

  return {
    send(message, how = 'text') {
      if (hasEnded || ws.readyState !== WebSocket.OPEN) return;
      if (ws.bufferedAmount > MOST_BUFFERED_BYTES) fail({ kind: 'lost', why: 'not_reading' });
      else ws.send(JSON.stringify(message), { binary: how === 'binary' });
    },
    fail,
    end,
  };
}

/** Of a handshake. */
export function endOfStatus(status: number): StreamEnd {
  if (status === 401 || status === 403) return { kind: 'rejected', why: `status_${status}` };
  return { kind: 'lost', why: status === 429 ? 'rate_limited' : 'refused_handshake' };
}
