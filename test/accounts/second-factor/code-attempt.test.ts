import type { Request, Response } from 'express';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTryCode } from '../../../src/accounts/second-factor/code-attempt.ts';
import {
  createPendingSignIns,
  type PendingSignIn,
} from '../../../src/accounts/second-factor/pending-sign-in.ts';
import type { CodeCheck } from '../../../src/accounts/second-factor/second-factor.ts';
import { createUserStore, type User } from '../../../src/accounts/user-store.ts';
import type { Database } from '../../../src/storage/database.ts';
import { createKeyRing } from '../../../src/storage/key-ring.ts';
import { createSingleUses } from '../../../src/storage/single-use-store.ts';
import { DATABASES } from '../../support/databases.ts';
import { createSettableClock } from '../../support/settable-clock.ts';
import { TEST_SECRETS } from '../../support/test-server.ts';

const CODE = '123456';

describe.each(DATABASES)('A code that is sent again, on %s,', (_name, open) => {
  const clock = createSettableClock('2026-11-20T12:00:00+05:30');
  const req = {
    headers: {},
    get: () => undefined,
    app: { get: () => () => false },
    socket: { remoteAddress: '127.0.0.1' },
  } as unknown as Request;
  const res = { locals: {}, cookie: () => undefined } as unknown as Response;
  let database: Database;
  let user: User;
  let check: ReturnType<typeof vi.fn<() => Promise<CodeCheck>>>;

  beforeAll(async () => {
    database = await open();
    const person = { username: 'asha', email: 'a@example.com', passwordHash: 'hash', role: 'user' } as const;
    const made = await createUserStore({ database, clock }).createUser(person);
    if (made.kind !== 'created') throw new Error(made.kind);
    user = made.user;
  });
  afterAll(() => database.close());

  /** What a browser has behind the right password, and how often it was asked whether that signed in. */
  function begin() {
    const pending = createPendingSignIns({
      keyRing: createKeyRing({ keys: [TEST_SECRETS.ENCRYPTION_KEY], clock }),
      users: createUserStore({ database, clock }),
      singleUses: createSingleUses({ database, clock }),
      redis: undefined,
      clock,
      https: false,
    });
    const begun = pending.begin(res, { user, passwordHash: 'hash' }, 'code');
    const isFinished = vi.fn(begun.isFinished);
    check = vi.fn(async () => ({ kind: 'wrong' as const }));
    const tryCode = createTryCode({
      secondFactor: { check },
      limiter: {
        admit: async () => ({ kind: 'taken', lane: 'known', giveBack: async () => undefined }),
      } as never,
      devices: { recognise: async () => undefined } as never,
      failures: { record: async () => undefined },
      completeSignIn: async () => 'signed_in',
    });
    const signIn: PendingSignIn = { ...begun, isFinished };
    const send = () => tryCode(req, res, signIn, { code: CODE, at: clock.now() });
    return { send, isFinished };
  }

  it('does not wait where the first one was answered as wrong', async () => {
    const { send, isFinished } = begin();
    expect(await send()).toEqual({ kind: 'wrong' });
    expect(await send()).toEqual({ kind: 'wrong' });
    expect(check).toHaveBeenCalledTimes(2);
    expect(isFinished).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['accepted', { kind: 'accepted', method: 'totp' }, ['signed_in', 'finished'], 1],
    ['wrong', { kind: 'wrong' }, ['wrong', 'wrong'], 2],
  ] as const)('waits for the first one, until it is %s', async (_what, verdict, answers, checks) => {
    const { send, isFinished } = begin();
    const first = Promise.withResolvers<CodeCheck>();
    check.mockImplementationOnce(() => first.promise);
    const sent = [send()];
    await vi.waitFor(() => expect(check).toHaveBeenCalled());
    sent.push(send());
    await vi.waitFor(() => expect(isFinished.mock.calls.length).toBeGreaterThan(1));
    expect(check).toHaveBeenCalledTimes(1);
    first.resolve(verdict);
    expect((await Promise.all(sent)).map(({ kind }) => kind)).toEqual(answers);
    expect(check).toHaveBeenCalledTimes(checks);
  });
});
