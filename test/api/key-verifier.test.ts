import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPasswordHasher } from '../../src/accounts/password-hasher.ts';
import { type ApiKeyStore, createApiKeyStore } from '../../src/api/api-key-store.ts';
import { createKeyFormat } from '../../src/api/key-format.ts';
import { createKeyVerifier, type KeyVerifier, type SecretHasher } from '../../src/api/key-verifier.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { addUser, disableUser } from '../support/databases.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';

const pepper = 'a-pepper-of-at-least-32-characters-here';
const format = createKeyFormat({ peppers: [pepper] });
const realHasher = createPasswordHasher({ peppers: [pepper] });

describe('the verifier of API keys', () => {
  let database: Database;
  let store: ApiKeyStore;
  let clock: SettableClock;
  let verifier: KeyVerifier;
  let hashes: number;
  let reads: number;
  let beforeHashing: () => Promise<unknown>;

  beforeEach(async () => {
    database = await openDatabase({ dialect: 'sqlite', file: ':memory:' });
    store = createApiKeyStore(database);
    clock = createSettableClock(1_000_000);
    hashes = 0;
    reads = 0;
    beforeHashing = async () => undefined;
    verifier = createVerifier();
    await addUser(database, 'asha');
  });
  afterEach(() => database.close());

  /** A node of its own, with a memory of its own. */
  function createVerifier(): KeyVerifier {
    const counting: SecretHasher = {
      hash: realHasher.hash,
      needsRehash: realHasher.needsRehash,
      async verify(secret, encoded) {
        hashes += 1;
        await beforeHashing();
        return realHasher.verify(secret, encoded);
      },
    };
    const findForUse = (id: string) => {
      reads += 1;
      return store.findForUse(id);
    };
    return createKeyVerifier({ store: { ...store, findForUse }, format, hasher: counting, clock });
  }

  async function addKey({ expiresAt }: { readonly expiresAt?: number } = {}) {
    const { id, key } = format.issue();
    const addresses = { primary: undefined, secondary: undefined };
    const secretHash = await realHasher.hash(key);
    await store.insert(
      { id, userId: 'asha', name: id, secretHash, scopes: ['session:read'], expiresAt, addresses },
      clock.now(),
    );
    return { id, key };
  }

  it('knows a good key, and hashes once for it however often it comes', async () => {
    const { id, key } = await addKey();
    for (let round = 0; round < 3; round += 1)
      expect(await verifier.verify(key)).toMatchObject({ kind: 'ok', key: { id, username: 'asha' } });
    expect(hashes).toBe(1);
    expect(verifier.size).toBe(1);
  });

  it('hashes once where a new key comes many times at once', async () => {
    const { key } = await addKey();
    const answers = await Promise.all(Array.from({ length: 20 }, () => verifier.verify(key)));
    expect(answers.every((answer) => answer.kind === 'ok')).toBe(true);
    expect(hashes).toBe(1);
  });

  it('asks nobody about a key that was not issued here, and hashes for no key without a row', async () => {
    const { key } = await addKey();
    const other = createKeyFormat({ peppers: ['b'.repeat(40)] }).issue().key;
    for (const text of ['', 'cfw_', other, `${key}x`, key.slice(0, -1)])
      expect(await verifier.verify(text)).toEqual({ kind: 'bad', why: 'not_ours', keyId: undefined });
    expect(reads).toBe(0);
    const { id, key: neverStored } = format.issue();
    expect(await verifier.verify(neverStored)).toEqual({ kind: 'bad', why: 'unknown', keyId: id });
    expect(hashes).toBe(0);
  });

  it('takes a key from before the newest pepper, and hashes it anew at its first use', async () => {
    const { id, key } = await addKey();
    const peppers = ['a-newer-pepper-of-at-least-32-characters', pepper];
    const hasher = createPasswordHasher({ peppers });
    const rotated = createKeyFormat({ peppers });
    const node = createKeyVerifier({ store, format: rotated, hasher, clock });
    const before = (await store.findForUse(id))?.secretHash;
    expect(await node.verify(key)).toMatchObject({ kind: 'ok', key: { id } });
    const after = (await store.findForUse(id))?.secretHash ?? '';
    expect(after).not.toBe(before);
    expect(hasher.needsRehash(after)).toBe(false);
    const hash = vi.spyOn(hasher, 'verify');
    expect(await node.verify(key)).toMatchObject({ kind: 'ok' });
    expect(hash).not.toHaveBeenCalled();
    // Its seal is of the older one still, and is not known without that.
    const { 0: newest } = peppers;
    expect(createKeyFormat({ peppers: [newest ?? ''] }).read(key)).toBeUndefined();
    expect(createKeyFormat({ peppers: [newest ?? ''] }).read(rotated.issue().key)).toBeDefined();
  });

  it('refuses a secret that is not the one of the row', async () => {
    const { id, key } = await addKey();
    const secretHash = await realHasher.hash('something else');
    await database.db.updateTable('api_keys').set({ secret_hash: secretHash }).where('id', '=', id).execute();
    expect(await verifier.verify(key)).toEqual({ kind: 'bad', why: 'wrong_secret', keyId: id });
    expect(verifier.size).toBe(0);
  });

  it('refuses a revoked key on every node at once, though no message ever came', async () => {
    const { id, key } = await addKey();
    const deaf = createVerifier();
    await verifier.verify(key);
    await deaf.verify(key);
    await store.revoke(id, clock.now());
    expect(await verifier.verify(key)).toMatchObject({ kind: 'bad', why: 'revoked' });
    expect(await deaf.verify(key)).toMatchObject({ kind: 'bad', why: 'revoked' });
  });

  it('refuses the keys of somebody who is disabled, at once, and costs no hash for it', async () => {
    const { key } = await addKey();
    await verifier.verify(key);
    await disableUser(database, 'asha');
    expect(await verifier.verify(key)).toMatchObject({ kind: 'bad', why: 'owner_disabled' });
    expect(await createVerifier().verify(key)).toMatchObject({ kind: 'bad', why: 'owner_disabled' });
    expect(hashes).toBe(1);
  });

  it('refuses a key from the very instant at which it expires', async () => {
    const { key } = await addKey({ expiresAt: clock.now() + 1000 });
    clock.advance(999);
    expect(await verifier.verify(key)).toMatchObject({ kind: 'ok' });
    clock.advance(1);
    expect(await verifier.verify(key)).toMatchObject({ kind: 'bad', why: 'expired' });
  });

  it('lets nobody in with a key that is revoked while it is being hashed', async () => {
    const { id, key } = await addKey();
    beforeHashing = () => store.revoke(id, clock.now());
    expect(await verifier.verify(key)).toMatchObject({ kind: 'bad', why: 'revoked' });
  });

  it('forgets one person’s keys when told, and hashes again', async () => {
    const { key } = await addKey();
    await verifier.verify(key);
    expect(verifier.forget('ravi')).toBe(0);
    expect(verifier.forget('asha')).toBe(1);
    expect(verifier.size).toBe(0);
    expect(await verifier.verify(key)).toMatchObject({ kind: 'ok' });
    expect(hashes).toBe(2);
  });

  it('throws when the database is away: a failing store lets nobody in', async () => {
    const { key } = await addKey();
    await verifier.verify(key);
    await database.close();
    await expect(verifier.verify(key)).rejects.toThrow();
  });
});
