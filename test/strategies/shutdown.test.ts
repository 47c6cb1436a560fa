import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { createApiClient, makeKey } from '../api/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { findFreePort } from '../support/free-port.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { startServerProcess } from '../support/server-process.ts';
import { TEST_SECRETS } from '../support/test-server.ts';
import { createVisitor, setUp, signIn } from '../support/visitor.ts';

test('a server that is told to stop answers the requests that wait for signals, and is gone soon after', async () => {
  const scratch = createScratchDirectory('shutdown');
  const port = await findFreePort();
  const origin = `http://127.0.0.1:${port}`;
  const server = await startServerProcess({
    command: process.execPath,
    args: [inject('bundledServer').main],
    ready: /Curfew is ready/,
    orphanSignal: 'SIGKILL',
    env: {
      ...TEST_SECRETS,
      NODE_ENV: 'production',
      PORT: String(port),
      BASE_URL: origin,
      DATABASE_URL: `sqlite:${join(scratch.path, 'curfew.db')}`,
    },
  });
  try {
    const visitor = createVisitor(origin);
    await setUp(visitor);
    await signIn(visitor);
    const program = createApiClient(origin, (await makeKey(visitor)).key);
    const waiting = program.ask('/api/v1/signals?after=0&wait=25');
    await eventually(async () =>
      expect((await program.ask('/metrics')).text).toContain('curfew_signal_requests_waiting 1'),
    );
    // What Node says of the process comes with a server that runs by itself.
    const { text } = await program.ask('/metrics');
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'nodejs_gc_duration_seconds',
      'nodejs_eventloop_lag_p99_seconds',
    ])
      expect(text).toMatch(new RegExp(`^# TYPE ${name} `, 'm'));

    const toldAt = performance.now();
    const ended = server.end('SIGTERM');
    expect(await waiting).toMatchObject({ status: 200, body: { data: { signals: [], cursor: 0 } } });
    await ended;
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(performance.now() - toldAt).toBeLessThan(5000);
  } finally {
    await server.end('SIGKILL');
    scratch.remove();
  }
});
