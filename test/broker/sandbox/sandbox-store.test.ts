import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createSandboxStore,
  type SandboxCode,
  type SandboxStore,
  type SandboxTokens,
} from '../../../src/broker/sandbox/sandbox-store.ts';
import { secretDigest } from '../../../src/broker/secret-digest.ts';
import { DAY_MS, MINUTE_MS } from '../../../src/core/duration.ts';
import type { Database } from '../../../src/storage/database.ts';
import { DATABASES, emptyTables } from '../../support/databases.ts';

const NOW = Date.parse('2026-11-20T09:15:00+05:30');
const GRANT: SandboxCode = {
  clientId: 'curfew',
  redirectUri: 'https://curfew.example/callback',
  codeChallenge: 'challenge',
  subject: 'asha',
  expiresAt: NOW + MINUTE_MS,
};
const TOKENS: SandboxTokens = {
  accessToken: 'the-access',
  feedToken: 'the-feed',
  refreshToken: 'the-refresh',
  expiresAt: NOW + DAY_MS,
  refreshableUntil: NOW + DAY_MS,
};
/** The tokens that come after those, numbered. */
const successors = (n: number): SandboxTokens => ({
  accessToken: `access-${n}`,
  feedToken: `feed-${n}`,
  refreshToken: `refresh-${n}`,
  expiresAt: NOW + 2 * DAY_MS,
  refreshableUntil: NOW + 9 * DAY_MS,
});
const yes = () => true;

describe.each(DATABASES)("The practice broker's store on %s", (_name, open) => {
  let database: Database;
  let store: SandboxStore;

  beforeAll(async () => {
    database = await open();
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    await emptyTables(database);
    store = createSandboxStore(database);
    await store.saveCode('the-code', GRANT, NOW);
  });

  it('gives tokens for a code and knows whose they are', async () => {
    const seen: SandboxCode[] = [];
    const outcome = await store.redeem('the-code', TOKENS, (grant) => seen.push(grant) > 0, NOW);
    expect(outcome).toBe('granted');
    expect(seen).toEqual([GRANT]);
    expect(await store.findSubject('the-access', NOW)).toBe('asha');
  });

  it('takes no feed token for an access token, and no token past its time', async () => {
    await store.redeem('the-code', TOKENS, yes, NOW);
    expect(await store.findSubject('the-feed', NOW)).toBeUndefined();
    expect(await store.findSubject('the-access', NOW + DAY_MS - 1)).toBe('asha');
    expect(await store.findSubject('the-access', NOW + DAY_MS)).toBeUndefined();
  });

  it('ends the tokens of a code that is shown again', async () => {
    await store.redeem('the-code', TOKENS, yes, NOW);
    expect(await store.redeem('the-code', { ...TOKENS, accessToken: 'second' }, yes, NOW)).toBe('refused');
    expect(await store.findSubject('the-access', NOW)).toBeUndefined();
    expect(await store.findSubject('second', NOW)).toBeUndefined();
  });

  it('serves one of several who show a code at the same moment, and ends even that', async () => {
    const outcomes = await Promise.all(
      [1, 2, 3].map((n) => store.redeem('the-code', successors(n), yes, NOW)),
    );
    expect(outcomes.filter((each) => each === 'granted')).toHaveLength(1);
    for (const n of [1, 2, 3]) expect(await store.findSubject(`access-${n}`, NOW)).toBeUndefined();
  });

  it('has used up a code that was shown with something wrong', async () => {
    expect(await store.redeem('the-code', TOKENS, () => false, NOW)).toBe('refused');
    expect(await store.redeem('the-code', TOKENS, yes, NOW)).toBe('refused');
  });

  it('ends access and feed token together, for their own client only', async () => {
    await store.redeem('the-code', TOKENS, yes, NOW);
    await store.revoke('the-access', 'somebody-else', NOW);
    expect(await store.findSubject('the-access', NOW)).toBe('asha');
    await store.revoke('the-feed', 'curfew', NOW);
    expect(await store.findSubject('the-access', NOW)).toBeUndefined();
  });

  it('keeps digests, and no code or token', async () => {
    await store.redeem('the-code', TOKENS, yes, NOW);
    const codes = await database.db.selectFrom('sandbox_codes').selectAll().execute();
    const tokens = await database.db.selectFrom('sandbox_tokens').selectAll().execute();
    const refreshTokens = await database.db.selectFrom('sandbox_refresh_tokens').selectAll().execute();
    expect(codes.length + tokens.length + refreshTokens.length).toBe(4);
    expect(JSON.stringify([codes, tokens, refreshTokens])).not.toMatch(/the-(code|access|feed|refresh)/);
  });

  describe('when a refresh token is shown,', () => {
    const refresh = (token: string, n: number, now = NOW) =>
      store.refresh(token, successors(n), 'curfew', now);
    const subjects = async (now = NOW) =>
      Promise.all(['the-access', 'access-1', 'access-2'].map((token) => store.findSubject(token, now)));

    beforeEach(async () => {
      expect(await store.redeem('the-code', TOKENS, yes, NOW)).toBe('granted');
    });

    it('gives the next tokens, and leaves the present ones their time', async () => {
      expect(await refresh('the-refresh', 1)).toBe('granted');
      expect(await subjects()).toEqual(['asha', 'asha', undefined]);
      expect(await refresh('refresh-1', 2)).toBe('granted');
      expect(await subjects(NOW + DAY_MS)).toEqual([undefined, 'asha', 'asha']);
    });

    it('works once: its second use ends everything that came from the code', async () => {
      await refresh('the-refresh', 1);
      expect(await refresh('the-refresh', 2)).toBe('refused');
      expect(await subjects()).toEqual([undefined, undefined, undefined]);
      expect(await refresh('refresh-1', 2)).toBe('refused');
    });

    it('serves one of several who show it at the same moment, and ends even that', async () => {
      const outcomes = await Promise.all([1, 2, 3].map((n) => refresh('the-refresh', n)));
      expect(outcomes.filter((each) => each === 'granted')).toHaveLength(1);
      expect(await subjects()).toEqual([undefined, undefined, undefined]);
    });

    it('ends a day after the person’s Allow, however often it was renewed', async () => {
      expect(await refresh('the-refresh', 1, NOW + DAY_MS - 1)).toBe('granted');
      expect(await refresh('refresh-1', 2, NOW + DAY_MS)).toBe('refused');
    });

    it('is good for its own client only, and is not used up by another', async () => {
      expect(await store.refresh('the-refresh', successors(1), 'somebody-else', NOW)).toBe('refused');
      expect(await store.refresh('made-up', successors(1), 'curfew', NOW)).toBe('refused');
      expect(await refresh('the-refresh', 1)).toBe('granted');
    });

    it.each(['the-access', 'access-1', 'the-refresh', 'refresh-1'])(
      'falls with all the others when %s is revoked',
      async (token) => {
        await refresh('the-refresh', 1);
        await store.revoke(token, 'curfew', NOW);
        expect(await subjects()).toEqual([undefined, undefined, undefined]);
        expect(await refresh('refresh-1', 2)).toBe('refused');
      },
    );

    it('leaves no late child behind when the family is revoked in the same moment', async () => {
      let revoked = Promise.resolve();
      // A refresh that has begun and takes its time, statement by statement.
      await database.db.transaction().execute(async (trx) => {
        await trx
          .updateTable('sandbox_codes')
          .set((eb) => ({ used_at: eb.ref('used_at') }))
          .execute();
        revoked = store.revoke('the-access', 'curfew', NOW);
        await sleep(100);
        const used = await trx
          .updateTable('sandbox_refresh_tokens')
          .set({ ended_at: NOW })
          .returningAll()
          .executeTakeFirstOrThrow();
        await trx
          .insertInto('sandbox_refresh_tokens')
          .values({ ...used, token_digest: secretDigest('refresh-1'), ended_at: null })
          .execute();
      });
      await revoked;
      expect(await refresh('refresh-1', 2)).toBe('refused');
    });
  });

  it('forgets codes and tokens of the past', async () => {
    await store.redeem('the-code', TOKENS, yes, NOW);
    await store.saveCode('later', GRANT, NOW + 3 * DAY_MS);
    expect(await database.db.selectFrom('sandbox_codes').select('code_digest').execute()).toHaveLength(1);
    expect(await database.db.selectFrom('sandbox_tokens').select('token_digest').execute()).toEqual([]);
    expect(await database.db.selectFrom('sandbox_refresh_tokens').select('token_digest').execute()).toEqual(
      [],
    );
  });
});
