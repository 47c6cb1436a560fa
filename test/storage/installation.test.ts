import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openDatabase } from '../../src/storage/database.ts';
import { readInstallationName } from '../../src/storage/installation.ts';
import { DATABASES, postgresLocation } from '../support/databases.ts';

it.each(DATABASES)(
  'an installation has a name from its first start on, and another one another, on %s',
  async (_name, open) => {
    const here = await open();
    await sleep(2);
    const there = await open();
    const name = await readInstallationName(here);
    expect(name).toMatch(/^[0-9a-f]{16}$/);
    expect(await readInstallationName(there)).not.toBe(name);
    await Promise.all([here.close(), there.close()]);
  },
);

it('two nodes that start at the same time have the same name', async () => {
  const location = await postgresLocation();
  const nodes = await Promise.all([openDatabase(location), openDatabase(location)]);
  const [one, other] = await Promise.all(nodes.map(readInstallationName));
  expect(other).toBe(one);
  await Promise.all(nodes.map((node) => node.close()));
});
