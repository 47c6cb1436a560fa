import SqliteDatabase from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';

interface Statement {
  readonly source: string;
}

const statementPrototype: { all: (...parameters: unknown[]) => unknown[] } = Object.getPrototypeOf(
  new SqliteDatabase(':memory:').prepare('select 1'),
);

describe('A page of somebody who is signed in', () => {
  let server: TestServer;
  let visitor: Visitor;

  beforeEach(async () => {
    server = await startTestServer();
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    await connectSandbox(visitor);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await server.close();
  });

  /** How often each table of the broker room is read for the page. */
  async function readsFor(path: string): Promise<Readonly<Record<string, number>>> {
    const reads: Record<string, number> = {};
    const spy = vi.spyOn(statementPrototype, 'all');
    expect((await visitor.get(path)).text).toContain('Signed in as');
    for (const statement of spy.mock.contexts as readonly Statement[]) {
      const table = /broker_tokens|broker_credentials/.exec(statement.source)?.[0];
      if (table !== undefined) reads[table] = (reads[table] ?? 0) + 1;
    }
    spy.mockRestore();
    return reads;
  }

  it.each(['/broker', '/dashboard'])(
    'reads the connections of all brokers once for %s, the banner above it included',
    async (path) => {
      expect(await readsFor(path)).toEqual({ broker_tokens: 1, broker_credentials: 1 });
    },
  );

  it('reads nothing but the connections where it shows no brokers', async () => {
    expect(await readsFor('/sessions')).toEqual({ broker_tokens: 1 });
  });
});
