import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { findFreePort } from '../../test/support/free-port.ts';
import { alternate, type Comparison, type Sample } from '../comparison.ts';
import { BENCH_FOLDER, PROJECT_FOLDER } from '../folders.ts';
import { makePeople } from '../people.ts';
import { curfewSettings } from '../server.ts';
import { inEachSetup } from '../setups.ts';
import type { Workshop } from '../workshop.ts';

const ASKED_EVERY_MS = 2;
const GIVE_UP_AFTER_MS = 30_000;

/** From the command of `npm start` until its port takes connections, its tables and its compile cache there already. */
export function compareStart(workshop: Workshop): Promise<readonly Comparison[]> {
  const { start } = JSON.parse(readFileSync(join(PROJECT_FOLDER, 'package.json'), 'utf8')).scripts;
  const bare = `sh bin/runtime node ${join(BENCH_FOLDER, 'servers/bare.ts')}`;
  return inEachSetup(workshop, async ({ env }) => {
    await makePeople(env.DATABASE_URL, 1);
    const measures = {
      'Express alone': () => timeStart(bare, {}),
      Curfew: () => timeStart(start, curfewSettings(env)),
    };
    for (const warmUp of Object.values(measures)) await warmUp();
    const subjects = await alternate(measures, workshop.options.rounds);
    return [
      {
        id: 'start',
        title: 'From the start of the process until it listens',
        metrics: [{ name: 'seconds', better: 'less', digits: 3 }],
        subjects,
      },
    ];
  });
}

async function timeStart(command: string, env: Readonly<Record<string, string>>): Promise<Sample> {
  const port = await findFreePort();
  const startedAt = performance.now();
  const child = spawn('sh', ['-c', `exec ${command}`], {
    cwd: PROJECT_FOLDER,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      PORT: String(port),
      BASE_URL: `http://127.0.0.1:${port}`,
      ...env,
    },
  });
  const exited = once(child, 'exit');
  try {
    while (!(await takesConnections(port))) {
      if (child.exitCode !== null || performance.now() - startedAt > GIVE_UP_AFTER_MS)
        throw new Error(`${command} did not listen`);
      await wait(ASKED_EVERY_MS);
    }
    return { seconds: (performance.now() - startedAt) / 1000 };
  } finally {
    child.kill();
    await exited;
  }
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
