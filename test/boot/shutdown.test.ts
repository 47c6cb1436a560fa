import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type NodeProcess, startNode } from '../faults/support/node-process.ts';
import { createScratchDirectory, type ScratchDirectory } from '../support/scratch-directory.ts';

describe('a server that is told to close', { timeout: 60_000 }, () => {
  let directory: ScratchDirectory;
  let node: NodeProcess;

  beforeEach(async () => {
    directory = createScratchDirectory('shut-down');
    node = await startNode({ env: { DATABASE_URL: `sqlite:${join(directory.path, 'curfew.db')}` } });
  });
  afterEach(async () => {
    await node.kill();
    directory.remove();
  });

  it('while a request hangs ends in order all the same, and a SIGHUP meanwhile does not end it at once', async () => {
    const socket = await beginRequest(node.port);
    const startedAt = performance.now();
    node.signal('SIGTERM');
    await sleep(1000);
    for (const signal of ['SIGHUP', 'SIGTERM', 'SIGINT'] as const) node.signal(signal);
    expect(await node.ended).toEqual({ code: 0, signal: null });
    expect(performance.now() - startedAt).toBeGreaterThan(9_000);
    expect(node.logTail()).toContain('"msg":"Closed"');
    socket.destroy();
  });

  it('takes no hangup for an end while it serves', async () => {
    node.signal('SIGHUP');
    await sleep(300);
    expect((await fetch(`${node.origin}/healthz`)).status).toBe(200);
  });
});

/** A form whose body does not come. */
async function beginRequest(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(
    [
      'POST /auth/login HTTP/1.1',
      `Host: 127.0.0.1:${port}`,
      'Content-Type: application/x-www-form-urlencoded',
      'Content-Length: 100',
      '',
      'username=',
    ].join('\r\n'),
  );
  await sleep(200);
  return socket;
}
