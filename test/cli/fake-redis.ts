import { createServer } from 'node:net';

export interface FakeRedisFacts {
  readonly version: string;
  /** How far its clock is ahead of this machine's. */
  readonly aheadSeconds: number;
}

/** Answers what the doctor asks, as a Redis that no package installs any more: an old one, with a wrong clock. */
export async function startFakeRedis({ version, aheadSeconds }: FakeRedisFacts) {
  const server = createServer((socket) => {
    socket.setEncoding('utf8').on('data', (text: string) => {
      for (const [, command] of text.matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g))
        socket.write(answerTo(command ?? ''));
    });
    socket.on('error', () => undefined);
  });

  function answerTo(command: string): string {
    const info = `redis_version:${version}\r\nmaxmemory_policy:noeviction\r\nloading:0\r\n`;
    const seconds = String(Math.floor(Date.now() / 1000) + aheadSeconds);
    switch (command.toLowerCase()) {
      case 'info':
        return `$${info.length}\r\n${info}\r\n`;
      case 'time':
        return `*2\r\n$${seconds.length}\r\n${seconds}\r\n$6\r\n500000\r\n`;
      case 'ping':
        return '+PONG\r\n';
      default:
        return '+OK\r\n';
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `redis://127.0.0.1:${port}`, stop: () => void server.close() };
}
