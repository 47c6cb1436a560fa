import { join } from 'node:path';
import { findFreePort } from '../support/free-port.ts';
import { startServerProcess } from '../support/server-process.ts';
import { createProjectCopy } from './project-copy.ts';

type Settings = Readonly<Record<string, string>>;

/** A server in a process of its own, as `npm start` starts it, and the command line beside it: both read the same .env. */
export interface ServerBeside {
  readonly origin: string;
  curfew(...args: string[]): ReturnType<ReturnType<typeof createProjectCopy>['curfewProcess']>;
  end(): Promise<void>;
}

export async function startServerBeside(settings: Settings): Promise<ServerBeside> {
  const port = await findFreePort();
  const project = createProjectCopy({ ...settings, PORT: String(port) });
  project.writeEnvFile(
    Object.entries(project.settings)
      .map(([name, value]) => `${name}=${value}`)
      .join('\n'),
  );
  const server = await startServerProcess({
    // Without the variables of the test runner, which has a BASE_URL of its own.
    command: 'env',
    args: ['-i', process.execPath, join(project.folder, 'src/main.ts')],
    ready: /Curfew is ready/,
    orphanSignal: 'SIGTERM',
  });
  return {
    origin: `http://127.0.0.1:${port}`,
    curfew: (...args) => project.curfewProcess(args, { settings: {} }),
    async end() {
      await server.end('SIGTERM');
      project.remove();
    },
  };
}
