import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createUserStore, type UserStore } from '../../src/accounts/user-store.ts';
import { createCutoffCalendar } from '../../src/core/cutoff.ts';
import { createRevocationStore } from '../../src/revocation/revocation-store.ts';
import { createSessionActors } from '../../src/sessions/session-actors.ts';
import { SessionEndedError } from '../../src/sessions/session-storage.ts';
import { createStandingStore } from '../../src/sessions/standing-store.ts';
import type { Actor } from '../../src/storage/acting.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { addUser, DATABASES, postgresLocation } from '../support/databases.ts';
import { createSettableClock } from '../support/settable-clock.ts';

const NOW = Date.parse('2026-11-23T10:00:00+05:30');

describe.each(DATABASES)('A write on behalf of an actor, on %s,', (_name, open) => {
  let database: Database;
  let asked: number;
  let allowed: boolean;
  let actor: Actor;

  beforeEach(async () => {
    database = await open();
    await addUser(database, 'asha');
    asked = 0;
    allowed = true;
    actor = {
      userId: 'asha',
      needsAdmin: false,
      async confirm() {
        asked += 1;
        if (!allowed) throw new SessionEndedError();
      },
    };
  });
  afterEach(() => database.close());

  const asActor = <T>(work: () => T): T => database.acting.run(actor, work);
  const rename = (email: string) =>
    database.db.updateTable('users').set({ email }).where('id', '=', 'asha').execute();
  const email = async () =>
    (await database.db.selectFrom('users').select('email').executeTakeFirstOrThrow()).email;
  const raiseEpoch = () => database.db.insertInto('user_epochs').values({ user_id: 'asha', epoch: 1 });

  const WRITES: Readonly<Record<string, () => Promise<unknown>>> = {
    'an update': () => rename('new@example.com'),
    'an insert': () => raiseEpoch().execute(),
    'a deletion': () => database.db.deleteFrom('users').where('id', '=', 'asha').execute(),
    'a statement in plain SQL': () => sql`update users set email = ${'new@example.com'}`.execute(database.db),
    'an insert in plain SQL behind a with': () =>
      sql`with one as (select 1 as epoch) insert into user_epochs (user_id, epoch) select 'asha', epoch from one`.execute(
        database.db,
      ),
    'a transaction': () =>
      database.db.transaction().execute(async (trx) => {
        await trx.selectFrom('users').select('id').execute();
        await trx.updateTable('users').set({ email: 'new@example.com' }).execute();
      }),
  };

  it.each(Object.keys(WRITES))('asks once for %s, and writes', async (what) => {
    await asActor(() => WRITES[what]?.());
    expect(asked).toBe(1);
  });

  it.each(Object.keys(WRITES))('does not happen where the actor may not: %s', async (what) => {
    allowed = false;
    await expect(asActor(() => WRITES[what]?.())).rejects.toThrow(SessionEndedError);
    expect(await email()).toBe('asha@example.com');
    expect(await database.db.selectFrom('user_epochs').selectAll().execute()).toEqual([]);
  });

  it('takes back what its transaction wrote before', async () => {
    const transaction = asActor(() =>
      database.db.transaction().execute(async (trx) => {
        await trx.insertInto('audit_hours').values({ hour: 0, kind: 'x', events: 1 }).execute();
        allowed = false;
        await trx.updateTable('users').set({ email: 'new@example.com' }).execute();
      }),
    );
    await expect(transaction).rejects.toThrow(SessionEndedError);
    expect(await database.db.selectFrom('audit_hours').selectAll().execute()).toEqual([]);
    allowed = true;
    await asActor(() => rename('later@example.com'));
    expect(await email()).toBe('later@example.com');
  });

  it('is asked about in each transaction anew', async () => {
    await asActor(() => rename('a@example.com'));
    allowed = false;
    await expect(asActor(() => rename('b@example.com'))).rejects.toThrow(SessionEndedError);
  });

  it('asks nothing for reading, and nothing for the server’s own tables', async () => {
    allowed = false;
    await asActor(async () => {
      await email();
      await database.db.insertInto('audit_hours').values({ hour: 0, kind: 'x', events: 1 }).execute();
    });
    expect(asked).toBe(0);
  });

  it('asks nothing where the server acts, also within what an actor began', async () => {
    allowed = false;
    await rename('server@example.com');
    await asActor(() => database.acting.asServer(() => rename('consequence@example.com')));
    expect(await email()).toBe('consequence@example.com');
    expect(asked).toBe(0);
  });

  it('goes with what the actor starts and does not wait for', async () => {
    allowed = false;
    let later: Promise<unknown> | undefined;
    asActor(() => {
      later = sleep(5).then(() => rename('late@example.com'));
    });
    await expect(later).rejects.toThrow(SessionEndedError);
  });

  describe('whose session is in the database', () => {
    const clock = createSettableClock(NOW);
    const calendar = createCutoffCalendar({ clock, cutoffTime: () => 'off' });
    const session = { userId: 'asha', sid: 'one', epoch: 0, loginTime: NOW - 1000 };
    const another = { ...session, sid: 'two' };

    const actorOf = (whose = session) =>
      createSessionActors({ standings: createStandingStore(database), calendar, clock }).of(whose);
    const write = (whose = session) => database.acting.run(actorOf(whose), () => rename('new@example.com'));
    const revocations = () => createRevocationStore(database, clock);

    it('is carried out', async () => {
      await write();
      expect(await email()).toBe('new@example.com');
    });

    it.each([
      [
        'the device was ended',
        () => revocations().open({ kind: 'device', userId: 'asha', sids: ['one'] }, 'logged_out'),
      ],
      ['everything was ended', () => revocations().openAccount('asha', 'logged_out_everywhere')],
      [
        'the day was ended',
        () => revocations().open({ kind: 'stale', userId: 'asha', before: NOW }, 'cutoff'),
      ],
      ['a sweep was ordered', () => revocations().open({ kind: 'sweep', before: NOW }, 'cutoff')],
      ['the account was disabled', () => database.db.updateTable('users').set({ disabled: 1 }).execute()],
      ['the account is gone', () => database.db.deleteFrom('users').execute()],
    ])('is refused after %s', async (_what, end) => {
      await end();
      await expect(write()).rejects.toThrow(SessionEndedError);
    });

    it('is carried out for a device that was not ended', async () => {
      await revocations().open({ kind: 'device', userId: 'asha', sids: ['one'] }, 'logged_out');
      await write(another);
      expect(await email()).toBe('new@example.com');
    });

    it('is refused once its administrator is none any more', async () => {
      const admin = actorOf();
      admin.needsAdmin = true;
      await expect(database.acting.run(admin, () => rename('new@example.com'))).rejects.toMatchObject({
        code: 'forbidden',
      });
    });

    it('is committed before a revocation that came second is stored', async () => {
      const order: string[] = [];
      const inside = Promise.withResolvers<void>();
      const act = database.acting.run(actorOf(), () =>
        database.db.transaction().execute(async (trx) => {
          await trx.updateTable('users').set({ email: 'new@example.com' }).execute();
          inside.resolve();
          await sleep(100);
          order.push('act');
        }),
      );
      await inside.promise;
      const revocation = revocations()
        .open({ kind: 'device', userId: 'asha', sids: ['one'] }, 'logged_out')
        .then(() => order.push('revocation'));
      await Promise.all([act, revocation]);
      expect(order).toEqual(['act', 'revocation']);
    });

    it.each<[string, (users: UserStore) => Promise<unknown>]>([
      ['its administrator is made a user', (users) => users.changeRoleUnlessLastAdmin('asha', 'user')],
      [
        'its administrator is disabled',
        (users) =>
          revocations().openAccountWith('asha', 'account_disabled', (trx) =>
            users.disableUnlessLastAdmin('asha', trx),
          ),
      ],
    ])('is committed before %s, where that came second', async (_what, change) => {
      await addUser(database, 'ravi');
      await database.db.updateTable('users').set({ role: 'admin' }).execute();
      const order: string[] = [];
      const inside = Promise.withResolvers<void>();
      const admin = actorOf();
      admin.needsAdmin = true;
      const act = database.acting.run(admin, () =>
        database.db.transaction().execute(async (trx) => {
          await trx.updateTable('users').set({ email: 'new@example.com' }).where('id', '=', 'ravi').execute();
          inside.resolve();
          await sleep(100);
          order.push('act');
        }),
      );
      await inside.promise;
      const changed = change(createUserStore({ database, clock })).then(() => order.push('change'));
      await Promise.all([act, changed]);
      expect(order).toEqual(['act', 'change']);
    });

    it('can order the end of its own session, any number at once', async () => {
      const scope = { kind: 'device', userId: 'asha', sids: ['one'] } as const;
      const ordered = await Promise.allSettled(
        Array.from({ length: 8 }, () =>
          database.acting.run(actorOf(), () => revocations().open(scope, 'logged_out')),
        ),
      );
      expect(ordered.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    it('does not deadlock where two people end each other', async () => {
      await addUser(database, 'ravi');
      const ravi = { ...session, userId: 'ravi', sid: 'three' };
      for (let round = 0; round < 10; round += 1) {
        const ended = await Promise.allSettled([
          database.acting.run(actorOf(), () =>
            revocations().open({ kind: 'device', userId: 'ravi', sids: ['x'] }, 'ended_by_admin'),
          ),
          database.acting.run(actorOf(ravi), () =>
            revocations().open({ kind: 'device', userId: 'asha', sids: ['x'] }, 'ended_by_admin'),
          ),
        ]);
        expect(ended.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
      }
    });
  });
});

it('A revocation on Postgres waits for no other person’s acts', async () => {
  const database = await openDatabase(await postgresLocation());
  await addUser(database, 'asha');
  await addUser(database, 'ravi');
  const clock = createSettableClock(NOW);
  const standings = createStandingStore(database);
  const calendar = createCutoffCalendar({ clock, cutoffTime: () => 'off' });
  const { of } = createSessionActors({ standings, calendar, clock });
  const inside = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  const act = database.acting.run(of({ userId: 'asha', sid: 'one', epoch: 0, loginTime: NOW }), () =>
    database.db.transaction().execute(async (trx) => {
      await trx.updateTable('users').set({ email: 'x@example.com' }).where('id', '=', 'asha').execute();
      inside.resolve();
      await done.promise;
    }),
  );
  await inside.promise;
  await createRevocationStore(database, clock).openAccount('ravi', 'ended_by_admin');
  done.resolve();
  await act;
  await database.close();
});
