import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApiClient, makeKey } from '../api/api-client.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn } from '../support/visitor.ts';
import { CLI_TEST_TIMEOUT_MS, createProjectCopy, type ProjectCopy } from './project-copy.ts';
import { WAYS_TO_RUN } from './ways-to-run.ts';

describe.each(WAYS_TO_RUN)('api-keys %s', { timeout: CLI_TEST_TIMEOUT_MS }, (_name, environment) => {
  let project: ProjectCopy;
  let server: TestServer;
  let made: { readonly id: string; readonly key: string };

  beforeEach(async () => {
    const settings = await environment();
    project = createProjectCopy(settings);
    server = await startTestServer({ env: project.settings });
    const owner = createVisitor(server.origin);
    await setUp(owner);
    await signIn(owner);
    made = await makeKey(owner, { name: 'Bot', scopes: 'session:read', primary: '127.0.0.1' });
  });
  afterEach(async () => {
    await server.close();
    project.remove();
  });

  it('list shows everybody’s or one person’s, and nothing of their secrets', async () => {
    const { status, stdout, stderr } = await project.curfew(['api-keys', 'list']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '1 API key.\n' });
    expect(stdout).toMatch(/^ID .*\n\w{12} {2}asha {2}Bot +127\.0\.0\.1 .*never/);
    const json = await project.curfew(['api-keys', 'list', '--user', 'asha', '--json']);
    expect(JSON.parse(json.stdout).apiKeys).toEqual([
      {
        id: made.id,
        prefix: `cfw_${made.id}_`,
        username: 'asha',
        name: 'Bot',
        scopes: ['session:read'],
        primaryAddress: '127.0.0.1',
        secondaryAddress: null,
        createdAt: expect.stringMatching(/\+05:30$/),
        expiresAt: null,
        lastUsedAt: null,
        lastUsedFrom: null,
      },
    ]);
    expect(stdout + json.stdout).not.toContain(made.key.split('_')[2]);
    expect((await project.curfew(['api-keys', 'list', '--user', 'nobody'])).status).toBe(1);
  });

  it('revoke ends a key beside a running server, for its very next request', async () => {
    const client = createApiClient(server.origin, made.key);
    expect((await client.ask('/api/v1/session')).status).toBe(200);
    const revoked = await project.curfew(['api-keys', 'revoke', made.id]);
    expect(revoked).toMatchObject({ status: 0, stdout: 'Revoked Bot of asha.\n', stderr: '' });
    expect((await client.ask('/api/v1/session')).status).toBe(401);
    const again = await project.curfew(['api-keys', 'revoke', made.id]);
    expect(again).toMatchObject({ status: 1, stdout: '' });
    expect(again.stderr).toContain('There is no API key');
    const { db } = server.infrastructure.database;
    const events = await db
      .selectFrom('audit_log')
      .select('actor')
      .where('type', '=', 'api_key.revoked')
      .execute();
    expect(events).toEqual([{ actor: 'cli' }]);
  });
});
