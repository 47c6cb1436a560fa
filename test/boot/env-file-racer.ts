import { join } from 'node:path';
import { readEnvFile, writeFirstEnvFile } from '../../src/boot/env-file.ts';

/**
 * Run by env-file.test.ts, two at a time: again and again, at instants that both know, a first start in a folder
 * without .env. Prints how often this one wrote the file, and how often it then could not read it whole.
 */
const [folder = '', example = '', startAt = '0', rounds = '0'] = process.argv.slice(2);
const EVERY_MS = 6;

let wrote = 0;
let unreadable = 0;
for (let round = 0; round < Number(rounds); round += 1) {
  const file = join(folder, `${round}.env`);
  const instant = Number(startAt) + round * EVERY_MS;
  while (performance.timeOrigin + performance.now() < instant);
  if (writeFirstEnvFile(file, example)) wrote += 1;
  if (!readEnvFile(file)['PEPPER']) unreadable += 1;
}
process.stdout.write(JSON.stringify({ wrote, unreadable }));
