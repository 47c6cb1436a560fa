import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTokenCipher } from '../../src/broker/token-cipher.ts';
import { systemClock } from '../../src/core/clock.ts';
import { startTestServer, TEST_SECRETS, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { CLI_TEST_TIMEOUT_MS, createProjectCopy, type ProjectCopy } from './project-copy.ts';
import { WAYS_TO_RUN } from './ways-to-run.ts';

const OLD_KEY = TEST_SECRETS.ENCRYPTION_KEY;
const NEW_KEY = Buffer.from('a key of thirty-two bytes, newer').toString('base64url');
const BOTH = `${NEW_KEY},${OLD_KEY}`;
const MANY = 2000;
const INSERTED_AT_ONCE = 100;

describe.each(WAYS_TO_RUN)(
  'keys rotate, killed in the middle %s',
  { timeout: CLI_TEST_TIMEOUT_MS },
  (_name, createStores) => {
    let project: ProjectCopy;
    let server: TestServer;
    let visitor: Visitor;
    let userId: string;

    beforeEach(async () => {
      project = createProjectCopy({ ...(await createStores()), ENCRYPTION_KEY: BOTH });
      const env = { ...project.settings, ENCRYPTION_KEY: OLD_KEY };
      server = await startTestServer({ env });
      const first = createVisitor(server.origin);
      await setUp(first);
      await signIn(first);
      await connectSandbox(first);
      userId = (await db().selectFrom('users').select('id').executeTakeFirstOrThrow()).id;
      await queueMany();
      await server.close();
      server = await startTestServer({ env: project.settings });
      visitor = createVisitor(server.origin);
      await signIn(visitor);
    });
    afterEach(async () => {
      await server.close();
      project.remove();
    });

    const db = () => server.infrastructure.database.db;
    const read = () => server.services.brokers.reader.accessToken(userId, 'sandbox');

    /** Far more than a rotation takes in the time after which it is killed. */
    async function queueMany(): Promise<void> {
      const { encrypt } = createTokenCipher({ keys: [OLD_KEY], clock: systemClock }).forBroker('kite');
      const inAnHour = systemClock.now() + 3_600_000;
      for (let from = 0; from < MANY; from += INSERTED_AT_ONCE)
        await db()
          .insertInto('broker_logouts')
          .values(
            Array.from({ length: INSERTED_AT_ONCE }, (_, index) => ({
              id: `logout-${from + index}`,
              user_id: userId,
              broker: 'kite',
              access_token: encrypt(`token ${from + index}`),
              requested_at: 0,
              attempts: 0,
              next_attempt_at: inAnHour,
              status: 'open' as const,
              last_error: null,
              token_digest: null,
              expires_at: null,
            })),
          )
          .execute();
    }

    /** How many of the queue the new key alone reads; throws when neither key reads one. */
    async function countRotated(): Promise<number> {
      const [newest, either] = [[NEW_KEY], [NEW_KEY, OLD_KEY]].map((keys) =>
        createTokenCipher({ keys, clock: systemClock }).forBroker('kite'),
      );
      const rows = await db().selectFrom('broker_logouts').select(['id', 'access_token']).execute();
      expect(rows).toHaveLength(MANY);
      for (const { id, access_token } of rows)
        expect(either?.decrypt(access_token ?? '')).toEqual({
          kind: 'ok',
          text: `token ${id.slice('logout-'.length)}`,
        });
      return rows.filter(({ access_token }) => newest?.decrypt(access_token ?? '').kind === 'ok').length;
    }

    async function rotateAndKill(): Promise<void> {
      const child = spawn(process.execPath, [join(project.folder, 'src/cli/main.ts'), 'keys', 'rotate'], {
        env: { PATH: process.env['PATH'], ...project.settings },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let said = '';
      for await (const chunk of child.stderr) {
        said += String(chunk);
        if (said.includes('Rotating broker_logouts.access_token')) break;
      }
      expect(said).toContain(`Rotating broker_logouts.access_token (${MANY})`);
      await sleep(50);
      child.kill('SIGKILL');
      const [, signal] = await once(child, 'exit');
      expect(signal).toBe('SIGKILL');
    }

    it('is ended by the next run, and nobody at the running server notices either of them', async () => {
      const before = await read();
      await rotateAndKill();
      const rotated = await countRotated();
      expect(rotated).toBeGreaterThan(0);
      expect(rotated).toBeLessThan(MANY);
      server.services.caches.clearAll();
      expect(await read()).toEqual(before);

      const again = project.curfew(['keys', 'rotate', '--json']);
      // Meanwhile somebody trades, and somebody connects anew.
      expect((await visitor.get('/broker')).text).toContain('Connected until');
      await connectSandbox(visitor);
      server.services.caches.clearAll();
      expect(await read()).toMatchObject({ kind: 'token' });

      const { status, stdout } = await again;
      expect(status).toBe(0);
      const report = JSON.parse(stdout);
      expect(report).toMatchObject({ unreadable: 0 });
      const queue = report.columns.find(
        ({ name }: { name: string }) => name === 'broker_logouts.access_token',
      );
      expect(queue).toMatchObject({ renewed: MANY - rotated });
      expect(queue.current).toBeGreaterThanOrEqual(rotated);
    });

    it('leaves nothing that still needs the old key', async () => {
      await rotateAndKill();
      expect((await project.curfew(['keys', 'rotate'])).status).toBe(0);
      expect(await countRotated()).toBe(MANY);
      const before = await read();
      await server.close();
      server = await startTestServer({ env: { ...project.settings, ENCRYPTION_KEY: NEW_KEY } });
      expect(await read()).toEqual(before);
    });
  },
);
