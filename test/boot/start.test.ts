import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { createProjectCopy } from '../cli/project-copy.ts';
import { createDatabase } from '../support/postgres-server.ts';
import { createScratchDirectory, type ScratchDirectory } from '../support/scratch-directory.ts';
import { TEST_SECRETS } from '../support/test-server.ts';
import { createVisitor, setUp, signIn } from '../support/visitor.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');

describe('a server that starts', { timeout: 90_000 }, () => {
  let directory: ScratchDirectory;
  let child: ChildProcess | undefined;
  let output: string;

  beforeEach(() => {
    directory = createScratchDirectory('start');
    output = '';
  });
  afterEach(async () => {
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    directory.remove();
  });

  /** NODE_ENV=production: a test must never write a .env. */
  function start(env: Readonly<Record<string, string>>, main = MAIN): ChildProcess {
    const settings = {
      ...TEST_SECRETS,
      NODE_ENV: 'production',
      DATABASE_URL: `sqlite:${join(directory.path, 'curfew.db')}`,
      LOG_LEVEL: 'info',
      ...env,
    };
    child = spawn(process.execPath, [main], { env: { PATH: process.env['PATH'], ...settings } });
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    return child;
  }

  it('with PORT=0 takes a free port, and BASE_URL follows it', async () => {
    start({ PORT: '0', BASE_URL: '', SANDBOX_BROKER: 'on' });
    await vi.waitFor(() => expect(output).toContain('Curfew is ready'), { timeout: 60_000 });
    const [, origin = ''] = /open (http:\/\/127\.0\.0\.1:\d+)/.exec(output) ?? [];
    expect(new URL(origin).port).not.toBe('0');
    expect(output).toContain(`"address":"${origin}"`);
    // Its own forms come from its own origin, and its address leads brokers back to it.
    const visitor = createVisitor(origin);
    await setUp(visitor);
    await signIn(visitor);
    const begun = await visitor.submit('/broker/sandbox/connection', {}, '/broker');
    expect(begun.location).toContain(`${origin}/sandbox/authorize`);
    expect(new URL(begun.location).searchParams.get('redirect_uri')).toContain(`${origin}/auth/broker/`);
  });

  it('with PORT=0 keeps a BASE_URL that was given', async () => {
    start({ PORT: '0', BASE_URL: 'https://curfew.example.org' });
    await vi.waitFor(() => expect(output).toContain('open https://curfew.example.org'), { timeout: 60_000 });
  });

  it('takes what .env says when it is ready, although it was edited since it was first read', async () => {
    const project = createProjectCopy();
    project.writeEnvFile('SESSION_EXPIRY_TIME=03:00\n');
    const url = new URL(await createDatabase({ url: inject('postgresUrl') }));
    const target = Number(url.port);
    const arrived = Promise.withResolvers<void>();
    const edited = Promise.withResolvers<void>();
    const gate = createServer(async (client) => {
      client.on('error', () => undefined);
      arrived.resolve();
      await edited.promise;
      const upstream = connect(target, '127.0.0.1').on('error', () => undefined);
      client.pipe(upstream).pipe(client);
    });
    url.port = String(await listen(gate));
    start({ PORT: '0', DATABASE_URL: url.toString() }, join(project.folder, 'src/main.ts'));
    await arrived.promise;
    project.writeEnvFile('SESSION_EXPIRY_TIME=15:45\n');
    edited.resolve();
    await vi.waitFor(() => expect(output).toContain('New session limits are in force'), { timeout: 60_000 });
    expect(output).toContain('SESSION_EXPIRY_TIME=15:45');
    gate.close();
    project.remove();
  });

  it('is not ended by a SIGHUP while it waits for its database', async () => {
    const arrived = Promise.withResolvers<void>();
    const silent = createServer(() => arrived.resolve());
    const port = await listen(silent);
    const waiting = start({ PORT: '0', DATABASE_URL: `postgres://curfew@127.0.0.1:${port}/curfew` });
    await arrived.promise;
    waiting.kill('SIGHUP');
    // It gives up by itself, with words, since nothing ever answers.
    expect(await once(waiting, 'exit')).toEqual([1, null]);
    expect(output).toContain('The database (DATABASE_URL) does not answer');
    silent.close();
  });
});

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
