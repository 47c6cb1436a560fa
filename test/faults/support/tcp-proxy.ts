import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort } from '../../support/free-port.ts';

/** A stretch of network between one node and one server, which a test can break. */
export interface TcpProxy {
  readonly port: number;
  /** Everything gets through. What was held back is delivered now; connections that were swallowed stay dead. */
  heal(): Promise<void>;
  /** Breaks all connections and refuses new ones. */
  cut(): void;
  /** Nothing gets through, and nobody is told; after healing all of it arrives late, as TCP's retransmission has it. */
  stall(): void;
  /** Accepts everything and passes nothing on. The connections of this time are dead for ever, and nobody is told. */
  swallow(): void;
  /** Each piece arrives so many milliseconds later. */
  delay(ms: number): void;
  close(): void;
}

type Mode = 'open' | 'stalled' | 'swallowing';

interface Link {
  readonly client: Socket;
  readonly upstream: Socket;
  dead: boolean;
}

/** Stands on 127.0.0.1 before the port of a server there. */
export async function createTcpProxy(targetPort: number): Promise<TcpProxy> {
  const links = new Set<Link>();
  let mode: Mode = 'open';
  let delayMs = 0;
  let healed = Promise.withResolvers<void>();
  healed.resolve();

  function accept(client: Socket): void {
    const upstream = connect({ port: targetPort, host: '127.0.0.1', noDelay: true });
    client.setNoDelay(true);
    const link: Link = { client, upstream, dead: mode === 'swallowing' };
    links.add(link);
    pipe(link, client, upstream);
    pipe(link, upstream, client);
  }

  /** One direction: pieces go one after the other, each in its own time. */
  function pipe(link: Link, from: Socket, to: Socket): void {
    let delivered = Promise.resolve();
    const inTurn = (work: () => void): void => {
      const due = performance.now() + delayMs;
      delivered = delivered.then(async () => {
        const waitMs = due - performance.now();
        if (waitMs > 0) await sleep(waitMs);
        await healed.promise;
        if (!link.dead) work();
      });
    };
    from.on('data', (piece) => {
      if (mode === 'swallowing') link.dead = true;
      inTurn(() => void (to.writable && to.write(piece)));
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      if (to.destroyed) links.delete(link);
      inTurn(() => to.destroySoon());
    });
  }

  function holdBack(next: Mode): void {
    mode = next;
    if (next === 'stalled') healed = Promise.withResolvers<void>();
  }

  const port = await findFreePort();
  let server = await listen(port, accept);

  function breakAll(): void {
    for (const { client, upstream } of links)
      for (const socket of [client, upstream]) socket.resetAndDestroy();
    links.clear();
    server.close();
  }

  return {
    port,
    async heal() {
      mode = 'open';
      delayMs = 0;
      healed.resolve();
      if (!server.listening) server = await listen(port, accept);
    },
    cut: breakAll,
    stall: () => holdBack('stalled'),
    swallow: () => {
      holdBack('swallowing');
      for (const link of links) link.dead = true;
    },
    delay(ms) {
      delayMs = ms;
    },
    close() {
      healed.resolve();
      breakAll();
    },
  };
}

async function listen(port: number, accept: (client: Socket) => void): Promise<Server> {
  const server = createServer(accept);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
