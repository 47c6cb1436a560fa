import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { CLI_TEST_TIMEOUT_MS, createProjectCopy, type ProjectCopy } from './project-copy.ts';

describe('a command whose work is only half done', { timeout: CLI_TEST_TIMEOUT_MS }, () => {
  let project: ProjectCopy;
  let server: TestServer;
  let visitor: Visitor;
  beforeEach(async () => {
    project = createProjectCopy();
    server = await startTestServer({ env: project.settings });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
  });
  afterEach(async () => {
    await server.close();
    project.remove();
  });

  it('says so and fails, and the server finishes it', async () => {
    execute("create trigger stuck before delete on sessions begin select raise(abort, 'the disk hums'); end");
    const text = await project.curfew(['sessions', 'revoke', '--user', 'asha']);
    expect(text.status).toBe(1);
    expect(text.stdout).toMatch(/ {2}sessions +not yet: will be tried again\n/);
    expect(text.stderr).toMatch(
      /^curfew: A revocation step failed; .*: the disk hums\.\ncurfew: Not everything has ended yet\. .*\n$/,
    );
    const json = await project.curfew(['sessions', 'revoke', '--all', '--yes', '--json']);
    expect(json.status).toBe(1);
    expect(JSON.parse(json.stdout)).toEqual({ people: 1, sessions: 0, brokerTokens: 0, status: 'queued' });
    expect((await project.curfew(['doctor'])).stdout).toContain(
      'warn  revocations  2 revocations are pending',
    );

    execute('drop trigger stuck; update revocations set next_attempt_at = 0');
    await server.services.revocation.revoker.retryDue();
    expect((await visitor.get('/dashboard')).status).toBe(303);
  });

  it('keeps what the audit log could not take', async () => {
    execute("create trigger full before insert on audit_log begin select raise(abort, 'it is full'); end");
    const { status, stderr } = await project.curfew(['sessions', 'revoke', '--user', 'asha']);
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /^curfew: The audit log could not be written; .*: it is full\. \[\{.*"actor":"cli".*\}\]\n$/,
    );
    expect((await visitor.get('/dashboard')).status).toBe(303);
  });

  function execute(statements: string): void {
    const database = new Sqlite(project.databaseFile);
    database.exec(statements);
    database.close();
  }
});
