import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { CLI_TEST_TIMEOUT_MS, createProjectCopy, type ProjectCopy } from './project-copy.ts';
import { type ServerBeside, startServerBeside } from './server-beside.ts';
import { WAYS_TO_RUN } from './ways-to-run.ts';

const ADMIN_ADDRESS = '203.0.113.9';

describe.each(WAYS_TO_RUN)(
  'curfew bans, beside a running server, %s',
  { timeout: CLI_TEST_TIMEOUT_MS },
  (_name, createStores) => {
    let server: ServerBeside;
    let origin: string;
    beforeEach(async () => {
      server = await startServerBeside({ ...(await createStores()), TRUST_PROXY: '127.0.0.1' });
      origin = server.origin;
    });
    afterEach(() => server.end());

    const curfew = (...args: string[]) => server.curfew(...args);
    const ask = (path: string, headers = {}) =>
      fetch(origin + path, {
        redirect: 'manual',
        headers: { Accept: 'text/html', 'X-Forwarded-For': ADMIN_ADDRESS, ...headers },
      });

    it('an administrator who got banned is let in again', async () => {
      for (let count = 0; count < 10; count += 1)
        await ask('/api/v1/session', { 'X-API-Key': 'cfw_mistyped' });
      expect((await ask('/auth/login')).status).toBe(403);

      const list = await curfew('bans', 'list', '--json');
      expect(JSON.parse(list.stdout)).toMatchObject({
        bans: [{ address: ADMIN_ADDRESS, reason: 'invalid_api_keys', offence: 1 }],
      });
      expect(await curfew('bans', 'remove', ADMIN_ADDRESS, '--forget')).toMatchObject({
        status: 0,
        stdout: `Lifted the ban of ${ADMIN_ADDRESS}.\n`,
      });
      await eventually(async () => expect((await ask('/setup')).status).toBe(200));
    });

    it('an address that is banned at the terminal is banned at the door', async () => {
      expect((await ask('/setup')).status).toBe(200);
      const added = await curfew('bans', 'add', ADMIN_ADDRESS, '--for', '1w', '--reason', 'Noisy', '--json');
      expect(JSON.parse(added.stdout)).toMatchObject({
        ban: { address: ADMIN_ADDRESS, reason: 'manual', note: 'Noisy', bannedBy: 'cli' },
      });
      await eventually(async () => expect((await ask('/setup')).status).toBe(403));
    });
  },
);

describe('curfew bans, without a server', { timeout: CLI_TEST_TIMEOUT_MS }, () => {
  let project: ProjectCopy;
  beforeEach(async () => {
    project = createProjectCopy({});
    await project.makeDatabase();
  });
  afterEach(() => project.remove());

  const curfew = (...args: string[]) => project.curfew(args);

  it('adds, lists and removes', async () => {
    expect((await curfew('bans', 'list')).stderr).toBe('0 bans.\n');
    expect(await curfew('bans', 'add', '2001:db8::7', '--for', 'permanent')).toMatchObject({
      status: 0,
      stdout: 'Banned 2001:db8::/64 permanently.\n',
    });
    const { stdout, stderr } = await curfew('bans', 'list');
    expect(stdout).toMatch(
      /^ADDRESS\s+UNTIL \(IST\)[\s\S]*2001:db8::\/64\s+permanent\s+.*cli\s+Banned by hand\n$/,
    );
    expect(stderr).toBe('1 ban.\n');
    const removed = await curfew('bans', 'remove', '2001:db8::/64', '--json');
    expect(JSON.parse(removed.stdout)).toMatchObject({
      lifted: { address: '2001:db8::/64', until: 'permanent' },
    });
  });

  it('says what it will not do, and changes nothing', async () => {
    expect(await curfew('bans', 'add', '127.0.0.1')).toMatchObject({
      status: 1,
      stderr: 'curfew: Nothing was banned. 127.0.0.1 stands for this machine itself and cannot be banned.\n',
    });
    expect((await curfew('bans', 'add', 'example.com')).stderr).toMatch(/Enter one address/);
    expect((await curfew('bans', 'remove', '203.0.113.1')).stderr).toMatch(/203\.0\.113\.1 is not banned/);
    expect((await curfew('bans', 'remove', 'nonsense')).stderr).toMatch(/That is no address/);
    expect((await curfew('bans', 'add', '203.0.113.1', '--for', 'ever')).status).toBe(2);
  });
});
