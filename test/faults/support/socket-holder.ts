import { WebSocket } from 'ws';
import type { Device } from './device.ts';
import type { History, PageRequest } from './history.ts';
import type { House } from './house.ts';

/** The WebSockets of a house's people. They are kept until the other side closes them, and all that they hear is written down. */
export interface SocketHolder {
  open(device: Device, node: number): Promise<PageRequest['outcome']>;
  /** On the latest of the session's sockets; `none` without one. */
  subscribe(device: Device): Promise<PageRequest['outcome']>;
  openOf(device: Device): readonly unknown[];
}

interface OpenSocket {
  readonly ws: WebSocket;
  readonly node: string;
  /** Of those who wait for an answer, by the ids of their messages; called without one when the socket is closed. */
  readonly waiting: Map<string, (answer?: Heard) => void>;
}

interface Heard {
  readonly type: string;
  readonly id?: string;
  readonly error?: string;
  readonly code?: number;
  readonly reason?: string;
}

/** A node that is paused answers when it goes on. */
const PATIENCE_MS = 15_000;
const SYMBOLS = ['NSE:INFY', 'NSE:SBIN'];

export function createSocketHolder(house: House, history: History, now: () => number): SocketHolder {
  const bySession = new Map<string, Set<OpenSocket>>();
  let opened = 0;
  let asked = 0;

  function keep(ws: WebSocket, session: string, node: string): void {
    opened += 1;
    const socket = String(opened);
    const kept: OpenSocket = { ws, node, waiting: new Map() };
    const ofSession = bySession.get(session) ?? new Set();
    bySession.set(session, ofSession.add(kept));
    history.add({ kind: 'socket_opened', socket, session, node, at: now() });
    ws.on('message', (data: Buffer) => {
      const heard: Heard = JSON.parse(data.toString());
      const { type, code, reason } = heard;
      const said = type === 'bye' && code !== undefined && reason !== undefined ? { code, reason } : {};
      history.add({ kind: 'socket_message', socket, at: now(), type, ...said });
      if (heard.id !== undefined) kept.waiting.get(heard.id)?.(heard);
    });
    ws.on('close', (code, reason) => {
      history.add({ kind: 'socket_closed', socket, at: now(), code, reason: reason.toString() });
      ofSession.delete(kept);
      for (const tell of kept.waiting.values()) tell();
    });
  }

  function shakeHands({ socketHeaders, session }: Device, node: number): Promise<PageRequest['outcome']> {
    const url = `${(house.origins[node] ?? '').replace(/^http/, 'ws')}/ws`;
    const ws = new WebSocket(url, {
      headers: socketHeaders,
      perMessageDeflate: false,
      handshakeTimeout: PATIENCE_MS,
    });
    return new Promise((resolve) => {
      ws.on('error', () => resolve('none'));
      ws.on('unexpected-response', (_request, { statusCode = 0 }) => {
        ws.terminate();
        resolve(statusCode === 401 ? 'out' : statusCode === 503 ? 'unavailable' : 'none');
      });
      ws.on('open', () => {
        keep(ws, session, house.nodes[node]?.name ?? '');
        resolve('in');
      });
    });
  }

  function ask({ ws, waiting }: OpenSocket): Promise<Heard | undefined> {
    asked += 1;
    const id = String(asked);
    return new Promise<Heard | undefined>((resolve) => {
      waiting.set(id, resolve);
      setTimeout(() => resolve(undefined), PATIENCE_MS).unref();
      ws.send(JSON.stringify({ v: 1, type: 'subscribe', id, symbols: SYMBOLS, mode: 'quote' }));
    }).finally(() => waiting.delete(id));
  }

  async function note(
    use: Pick<PageRequest, 'as' | 'session' | 'node'>,
    act: () => Promise<PageRequest['outcome']>,
  ): Promise<PageRequest['outcome']> {
    const startedAt = now();
    const outcome = await act();
    history.add({ kind: 'page', ...use, startedAt, endedAt: now(), outcome });
    return outcome;
  }

  const openOf = ({ session }: Device): readonly OpenSocket[] => [...(bySession.get(session) ?? [])];

  return {
    openOf,
    open(device, node) {
      const name = house.nodes[node]?.name ?? '';
      return note({ as: 'socket', session: device.session, node: name }, () => shakeHands(device, node));
    },
    async subscribe(device) {
      const latest = openOf(device).at(-1);
      if (latest === undefined) return 'none';
      const use = { as: 'subscription', session: device.session, node: latest.node } as const;
      return note(use, async () => outcomeOf(await ask(latest)));
    },
  };
}

/** Whether there are prices of it is another question, which is asked of those alone who are let in. */
function outcomeOf(answer: Heard | undefined): PageRequest['outcome'] {
  if (answer === undefined) return 'none';
  return answer.error === 'unavailable' ? 'unavailable' : 'in';
}
