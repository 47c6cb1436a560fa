import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAuditHourStore } from '../../src/audit/audit-hour-store.ts';
import { verifyChain } from '../../src/audit/chain-verification.ts';
import { HOUR_MS } from '../../src/core/duration.ts';
import { startOfIstHour } from '../../src/core/ist.ts';
import { type AuditWorld, createAuditWorld, LOCATIONS, MORNING } from './audit-world.ts';
import { ended } from './ended.ts';

const run = promisify(execFile);
const APPENDER = join(import.meta.dirname, 'appender.ts');
const ORIGIN = { actor: 'asha', address: '203.0.113.7', requestId: 'r-1' };

describe.each(LOCATIONS)('the chain of the audit log on %s', (_name, locate) => {
  let world: AuditWorld;
  beforeEach(async () => {
    world = await createAuditWorld(await locate());
  });
  afterEach(() => world.close());

  const problemNow = async (options = {}) => (await verifyChain(world.rows, options)).problem;

  it('gives each event a number, who, from where and a hash', async () => {
    await world.audit.record({ type: 'account.disabled', userId: 'ravi' }, ORIGIN);
    expect(await world.stored()).toEqual([
      {
        id: 1,
        at: Date.parse(MORNING),
        type: 'account.disabled',
        user_id: 'ravi',
        actor: 'asha',
        address: '203.0.113.7',
        request_id: 'r-1',
        detail: '{"type":"account.disabled","userId":"ravi"}',
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ]);
    expect(await problemNow()).toBeUndefined();
  });

  it('stores texts as both databases give them back', async () => {
    const odd = 'nul \0, half \ud83d, quote " ’ \n \u2028 ₹ 😀';
    await world.audit.record(
      { type: 'login.failed', username: odd, why: 'credentials' },
      { actor: odd, address: odd, requestId: odd },
    );
    const [row] = await world.stored();
    expect(row?.actor).toBe('nul \ufffd, half \ufffd, quote " ’ \n \u2028 ₹ 😀');
    expect(JSON.parse(row?.detail ?? '')).toMatchObject({ username: odd });
    expect(await problemNow()).toBeUndefined();
  });

  it('has no gap and no fork when several processes append at once', async () => {
    const processes = ['one', 'two', 'three'].map((name) =>
      run(process.execPath, [APPENDER, JSON.stringify(world.location), name]),
    );
    for (let each = 0; each < 30; each += 1) await world.audit.record(ended('here'), ORIGIN);
    const logs = [...(await Promise.all(processes)).map(({ stdout }) => stdout), ...world.log.lines].join(
      '\n',
    );
    const { problem, rows, last, head } = await verifyChain(world.rows);
    expect({ problem, last: last?.seq, head: head?.seq }).toEqual({
      problem: undefined,
      last: rows,
      head: rows,
    });
    // On a slow disk a process may give up waiting for the others: then the log has its entries, and nothing else.
    const lines = logs.split('\n').filter((line) => line !== '');
    for (const line of lines) expect(line).toContain('could not be written; its entries are in this line');
    const inLog = logs.match(/"requestId":/g)?.length ?? 0;
    const stored = (await world.stored()).filter(({ type }) => type === 'session.ended').length;
    expect(stored + inLog).toBe(210);
  });

  it('has neither when what this process remembers of the head is old', async () => {
    const other = await world.addNode();
    for (const { audit } of [world, other, world, other, other, world])
      await audit.record(ended('x'), ORIGIN);
    expect(await verifyChain(world.rows)).toMatchObject({ problem: undefined, rows: 6 });
  });

  it('takes many at once and lets others work in between', async () => {
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    await world.audit.recordMany(
      Array.from({ length: 20_000 }, (_, each) => ended(`u${each}`)),
      ORIGIN,
    );
    clearInterval(timer);
    expect(turns).toBeGreaterThan(15);
    expect(await verifyChain(world.rows)).toMatchObject({ problem: undefined, rows: 20_000 });
  });

  it('counts by the hour, with the reason where there is one', async () => {
    await world.audit.record({ type: 'login.failed', username: 'x', why: 'disabled' }, ORIGIN);
    await world.audit.recordMany([ended('a'), ended('b')], ORIGIN);
    world.clock.advance(HOUR_MS);
    await world.audit.record(ended('c'), ORIGIN);
    await world.audit.record(
      {
        type: 'revocation.carried_out',
        receipt: {
          orderId: 'o',
          reason: 'logged_out',
          scope: 'account',
          userId: 'a',
          orderedAt: 1,
          status: 'done',
          lines: [{ step: 'sessions', status: 'done', count: 2, ms: 1 }],
        },
      },
      ORIGIN,
    );
    const first = startOfIstHour(Date.parse(MORNING));
    expect(await createAuditHourStore(world.database).since(first + 5)).toEqual([
      { hour: first, kind: 'login.failed:disabled', events: 1 },
      { hour: first, kind: 'session.ended:cutoff', events: 2 },
      { hour: first + HOUR_MS, kind: 'revocation.carried_out', events: 1 },
      { hour: first + HOUR_MS, kind: 'session.ended:cutoff', events: 1 },
      { hour: first + HOUR_MS, kind: 'session.ended:logged_out', events: 1 },
    ]);
    expect(await createAuditHourStore(world.database).since(first + HOUR_MS)).toHaveLength(3);
  });

  it('counts many failed sign-ins in one row as many', async () => {
    const many = { type: 'login.failed_often', first: 1, last: 2, usernames: [], addresses: [] } as const;
    await world.audit.record({ ...many, why: 'credentials', attempts: 40 }, ORIGIN);
    await world.audit.record({ type: 'login.failed', username: 'x', why: 'credentials' }, ORIGIN);
    expect(await createAuditHourStore(world.database).since(0)).toEqual([
      { hour: startOfIstHour(Date.parse(MORNING)), kind: 'login.failed:credentials', events: 41 },
    ]);
  });

  it('writes what it could not take into the log, and how many those were into the chain', async () => {
    await world.audit.record(ended('before'), ORIGIN);
    await world.execute('alter table audit_hours rename to away');
    await world.audit.record(ended('lost-1'), ORIGIN);
    await world.audit.recordMany([ended('lost-2'), ended('lost-3')], ORIGIN);
    await world.execute('alter table away rename to audit_hours');
    expect(world.log.lines.join()).toMatch(/lost-1.*lost-2.*lost-3/s);
    await world.audit.record(ended('after'), ORIGIN);
    await world.audit.record(ended('later'), ORIGIN);
    const rows = await world.stored();
    expect(rows.map(({ id, type, user_id }) => [id, type, user_id])).toEqual([
      [1, 'session.ended', 'before'],
      [2, 'audit.lost', null],
      [3, 'session.ended', 'after'],
      [4, 'session.ended', 'later'],
    ]);
    expect(JSON.parse(rows[1]?.detail ?? '')).toMatchObject({ events: 3, since: world.clock.now() });
    expect(await problemNow()).toBeUndefined();
  });

  describe('refuses', () => {
    beforeEach(() => world.audit.recordMany([ended('a'), ended('b'), ended('c')], ORIGIN));

    it.each([
      ['a change of a row', "update audit_log set actor = 'nobody' where id = 2", /append-only.*changed/],
      ['a deletion', 'delete from audit_log where id = 3', /append-only.*deleted/],
      ['the deletion of all', 'delete from audit_log', /append-only.*deleted/],
      ['a head that goes back', 'update audit_head set seq = 2', /moves forward only/],
      ['another hash at the same place', "update audit_head set hash = 'x'", /moves forward only/],
      [
        'that rows are declared removed that are not there',
        'update audit_head set pruned_seq = 9',
        /forward only/,
      ],
      ['that the head is removed', 'delete from audit_head', /cannot be removed/],
    ])('%s', async (_what, statement, words) => {
      await expect(world.execute(statement)).rejects.toThrow(words);
      expect(await problemNow()).toBeUndefined();
    });

    it('that young rows go, also when they are declared to be old', async () => {
      await world.execute("update audit_head set pruned_seq = 2, pruned_hash = 'x'");
      await expect(world.execute('delete from audit_log where id = 1')).rejects.toThrow(/five years old/);
    });

    it('what goes around an update', async () => {
      const statements =
        world.database.dialect === 'sqlite'
          ? [
              "insert or replace into audit_log select id, at, type, user_id, 'x', address, request_id, detail, hash from audit_log where id = 2",
              "insert or replace into audit_head values (1, 1, 'x', 0, 'x')",
            ]
          : ['truncate audit_log', 'truncate audit_head'];
      for (const statement of statements)
        await expect(world.execute(statement)).rejects.toThrow(/append-only|forward only|cannot be removed/);
      expect(await problemNow()).toBeUndefined();
    });
  });

  describe('is found broken by whoever looks', () => {
    beforeEach(async () => {
      await world.audit.recordMany(
        Array.from({ length: 10 }, (_, each) => ended(`u${each + 1}`)),
        ORIGIN,
      );
      await world.dropTriggers();
    });

    it.each([
      ['an edited row', ["update audit_log set actor = 'nobody' where id = 4"], 'changed', 4],
      ['an edited instant', ['update audit_log set at = at + 1 where id = 10'], 'changed', 10],
      [
        'a text that moved to the next field',
        ["update audit_log set address = 'r-1', request_id = '203.0.113.7' where id = 1"],
        'changed',
        1,
      ],
      [
        'a row whose address was taken out',
        ['update audit_log set address = null where id = 6'],
        'changed',
        6,
      ],
      ['a deleted row', ['delete from audit_log where id = 5'], 'missing', 5],
      [
        'rows deleted and closed up',
        ['delete from audit_log where id = 5', 'update audit_log set id = id - 1 where id = 6'],
        'changed',
        5,
      ],
      ['a deleted beginning', ['delete from audit_log where id < 3'], 'missing', 1],
      [
        'a beginning that is said to be old',
        [
          'delete from audit_log where id < 3',
          'update audit_head set pruned_seq = 2, pruned_hash = (select hash from audit_log where id = 3)',
        ],
        'changed',
        3,
      ],
      ['a cut tail', ['delete from audit_log where id > 8'], 'cut_off', 9],
      [
        'an inserted row at the end',
        [
          'insert into audit_log select 11, at, type, user_id, actor, address, request_id, detail, hash from audit_log where id = 10',
        ],
        'beyond_head',
        11,
      ],
      [
        'an inserted row in the middle',
        [
          'update audit_log set id = id + 100 where id > 5',
          'insert into audit_log select 6, at, type, user_id, actor, address, request_id, detail, hash from audit_log where id = 5',
          'update audit_log set id = id - 99 where id > 100',
          'update audit_head set seq = 11',
        ],
        'changed',
        6,
      ],
      [
        'rows in another order',
        [
          'update audit_log set id = 100 where id = 3',
          'update audit_log set id = 3 where id = 4',
          'update audit_log set id = 4 where id = 100',
        ],
        'changed',
        3,
      ],
      ['a forged head', [`update audit_head set hash = '${'f'.repeat(64)}'`], 'head_wrong', 10],
      ['a removed head', ['delete from audit_head'], 'head_wrong', 0],
      ['all rows gone', ['delete from audit_log'], 'cut_off', 1],
    ])('%s', async (_what, statements, kind, seq) => {
      for (const statement of statements) await world.execute(statement);
      const problem = await problemNow();
      expect(problem).toMatchObject({ kind, seq });
      expect(problem?.advice).not.toBe('');
    });

    it('a tail that was cut off together with the head, by a head that somebody kept', async () => {
      const { head: kept } = await world.rows.end();
      await world.execute('delete from audit_log where id > 8');
      await world.execute('update audit_head set seq = 8, hash = (select hash from audit_log where id = 8)');
      expect(await problemNow()).toBeUndefined();
      expect(await problemNow({ kept })).toMatchObject({ kind: 'cut_off', seq: 9 });
      expect(await problemNow({ from: kept })).toMatchObject({ kind: 'cut_off', seq: 9 });
    });

    it('a chain that was written anew, by a head that somebody kept', async () => {
      const { head: kept } = await world.rows.end();
      await world.execute('delete from audit_log');
      await world.execute(`update audit_head set seq = 0, hash = '${'0'.repeat(64)}'`);
      const other = await world.addNode();
      await other.audit.recordMany(
        Array.from({ length: 12 }, () => ended('forged')),
        ORIGIN,
      );
      expect(await problemNow()).toBeUndefined();
      expect(await problemNow({ kept })).toMatchObject({ kind: 'not_as_kept', seq: 10 });
      expect(await problemNow({ from: kept })).toMatchObject({ kind: 'changed', seq: 10 });
    });
  });
});
