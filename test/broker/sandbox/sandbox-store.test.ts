import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createSandboxStore,
  type SandboxCode,
  type SandboxStore,
  type SandboxTokens,
} from '../../../src/broker/sandbox/sandbox-store.ts';
import { DAY_MS, MINUTE_MS } from '../../../src/core/duration.ts';
import type { Database } from '../../../src/storage/database.ts';
import { DATABASES, emptyTables } from '../databases.ts';

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
  expiresAt: NOW + DAY_MS,
};
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
    expect(outcome).toBe('redeemed');
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
      [1, 2, 3].map((n) =>
        store.redeem('the-code', { ...TOKENS, accessToken: `access-${n}`, feedToken: `feed-${n}` }, yes, NOW),
      ),
    );
    expect(outcomes.filter((each) => each === 'redeemed')).toHaveLength(1);
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
    expect(codes.length + tokens.length).toBe(3);
    expect(JSON.stringify([codes, tokens])).not.toMatch(/the-(code|access|feed)/);
  });

  it('forgets codes and tokens of the past', async () => {
    await store.redeem('the-code', TOKENS, yes, NOW);
    await store.saveCode('later', GRANT, NOW + 2 * DAY_MS);
    expect(await database.db.selectFrom('sandbox_codes').select('code_digest').execute()).toHaveLength(1);
    expect(await database.db.selectFrom('sandbox_tokens').select('token_digest').execute()).toEqual([]);
  });
});
