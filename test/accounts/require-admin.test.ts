import express from 'express';
import session from 'express-session';
import request from 'supertest';
import { beforeEach, describe, expect, it } from 'vitest';
import { createRequireAdmin } from '../../src/accounts/require-admin.ts';
import { createUserStore, type UserStore } from '../../src/accounts/user-store.ts';
import { createErrorHandler } from '../../src/http/error-handler.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';

describe('an admin’s page', () => {
  let database: Database;
  let users: UserStore;
  let adminId: string;

  beforeEach(async () => {
    database = await openDatabase({ dialect: 'sqlite', file: ':memory:' });
    users = createUserStore({ database, clock: { now: () => 0 } });
    const made = await users.createFirstAdmin({
      username: 'asha',
      email: 'a@example.com',
      passwordHash: 'hash',
    });
    adminId = made.kind === 'created' ? made.user.id : '';
    return () => database.close();
  });

  /** The session says admin, whatever the database says. */
  async function visit(userId: string | undefined): Promise<number> {
    const app = express();
    app.use(session({ secret: 'secret', resave: false, saveUninitialized: false }));
    app.use((req, _res, next) => {
      if (userId !== undefined)
        Object.assign(req.session, {
          userId,
          username: 'asha',
          role: 'admin',
          epoch: 0,
          loginTime: '2026-11-20T09:30:00.000+05:30',
        });
      next();
    });
    app.get('/users', createRequireAdmin({ users }), (_req, res) => {
      res.send('people');
    });
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    app.use(createErrorHandler(log, () => undefined));
    return (await request(app).get('/users').set('Accept', 'application/json')).status;
  }

  it('is open to an admin', async () => {
    expect(await visit(adminId)).toBe(200);
  });

  it('is closed on the next request after a demotion', async () => {
    await database.db.updateTable('users').set({ role: 'user' }).where('id', '=', adminId).execute();
    expect(await visit(adminId)).toBe(403);
  });

  it('is closed on the next request after the account was disabled', async () => {
    await users.setDisabled(adminId, true);
    expect(await visit(adminId)).toBe(403);
  });

  it('is closed to who was deleted and to who is not signed in', async () => {
    expect(await visit('nobody')).toBe(403);
    expect(await visit(undefined)).toBe(401);
  });
});
