import { symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';

const PROJECT = resolve(import.meta.dirname, '../..');
/** They load files of their own at run time. */
const KEPT_AS_PACKAGES = ['argon2', 'better-sqlite3', 'pino', 'pino-pretty'];

/** The programs of Curfew, each to be run by node. */
export interface BundledServer {
  readonly main: string;
  readonly cli: string;
}

/**
 * Bundles the sources of a project into a few files: a process that loads them starts in half the time, and in a quarter
 * where nothing was compiled before. `folder` becomes their project: there is no .env in it. What a test changes in
 * `sources` is in the bundle; its views and public files are linked.
 */
export async function bundleServer(folder: string, sources = PROJECT): Promise<BundledServer> {
  const build = await rolldown({
    input: { main: join(sources, 'src/main.ts'), cli: join(sources, 'src/cli/main.ts') },
    platform: 'node',
    external: KEPT_AS_PACKAGES,
    logLevel: 'silent',
  });
  // Two folders up is the project, and views and public are beside src/, as in the sources.
  const app = join(folder, 'app');
  await build.write({ dir: join(app, 'src'), keepNames: true });
  await build.close();
  for (const part of ['views', 'public', 'package.json']) symlinkSync(join(sources, part), join(app, part));
  // A thread is started from its file's name, which no bundler sees.
  symlinkSync(join(sources, 'src/storage/checkpoint-worker.ts'), join(app, 'src/checkpoint-worker.ts'));
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
  return { main: join(app, 'src/main.js'), cli: join(app, 'src/cli.js') };
}
