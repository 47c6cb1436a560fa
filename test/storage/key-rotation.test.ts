import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SYSTEM_ORIGIN } from '../../src/core/audit-event.ts';
import { createMailStore } from '../../src/mail/mail-store.ts';
import { CIPHERTEXT_COLUMNS, createCiphertextStore } from '../../src/storage/ciphertext-store.ts';
import type { Database } from '../../src/storage/database.ts';
import { createKeyRing } from '../../src/storage/key-ring.ts';
import { createKeyRotation } from '../../src/storage/key-rotation.ts';
import { createLinkSeal } from '../../src/telegram/link-seal.ts';
import { type BrokerWorld, createBrokerWorld, KEY } from '../broker/broker-world.ts';
import { addStrategy } from '../strategies/strategy-world.ts';
import { addUser, DATABASES, emptyTables } from '../support/databases.ts';

const NEW_KEY = Buffer.alloc(32, 9).toString('base64url');
const LOST_KEY = Buffer.alloc(32, 3).toString('base64url');

describe.each(DATABASES)('Rotating keys on %s', (_name, open) => {
  let database: Database;
  let world: BrokerWorld;

  beforeAll(async () => {
    database = await open();
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    await emptyTables(database);
    await database.db.deleteFrom('mail_messages').execute();
    world = createBrokerWorld(database);
    await addUser(database, 'asha');
  });

  const ringOf = (...keys: string[]) => createKeyRing({ keys, clock: world.clock });
  const ciphertexts = () => createCiphertextStore(database);
  const rotate = (
    onProgress?: Parameters<ReturnType<typeof createKeyRotation>['run']>[1],
    store = ciphertexts(),
  ) =>
    createKeyRotation({ ...world, ciphertexts: store, keyRing: ringOf(NEW_KEY, KEY) }).run(
      SYSTEM_ORIGIN,
      onProgress,
    );
  const total = (report: Awaited<ReturnType<typeof rotate>>) => ({
    renewed: sum(report.map((each) => each.renewed)),
    current: sum(report.map((each) => each.current)),
    unreadable: sum(report.map((each) => each.unreadable)),
    changed: sum(report.map((each) => each.changed)),
  });
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

  /** One ciphertext at least in each of the columns. */
  async function fill(): Promise<void> {
    const { encrypt } = world.cipher.forBroker('sandbox');
    await world.connect('asha', { refreshToken: encrypt('refresh') });
    await world.logouts.add(
      {
        id: 'logout',
        userId: 'asha',
        broker: 'kite',
        accessToken: world.cipher.forBroker('kite').encrypt('old'),
      },
      world.clock.now(),
    );
    await world.authorizations.begin(
      {
        state: 'state',
        sid: 'sid',
        userId: 'asha',
        broker: 'sandbox',
        codeVerifier: encrypt('verifier'),
        returnTo: '/',
        held: false,
      },
      world.clock.now(),
    );
    await database.db
      .insertInto('broker_credentials')
      .values({
        id: 'credential',
        user_id: 'asha',
        broker: 'sandbox',
        field: 'apiKey',
        value: encrypt('the api key'),
        set_at: 0,
      })
      .execute();
    await createMailStore(database).add(
      {
        recipient: 'asha@example.org',
        kind: 'invitation',
        sealed: ringOf(KEY).forPurpose('mail').encrypt('the mail'),
        expiresAt: 1,
      },
      0,
    );
    await database.db
      .insertInto('telegram_bots')
      .values({
        user_id: 'asha',
        bot_token: ringOf(KEY).forPurpose('telegram').encrypt('the bot token'),
        bot_name: null,
        chat_id: null,
        link_code: 'code',
        events: '',
        version: 1,
        set_at: 0,
        problem: null,
        next_send_at: 0,
        claims: 0,
        answered_at: 0,
        pace_ms: 0,
        failures: 0,
      })
      .execute();
    const seal = createLinkSeal(ringOf(KEY).forPurpose('telegram-link'), '/sessions');
    await database.db
      .insertInto('telegram_messages')
      .values({
        user_id: 'asha',
        kind: 'new_device',
        body: `End it: ${seal.seal('the link')}, or not.`,
        created_at: 0,
        send_at: 0,
        expires_at: 1,
        status: 'open',
        ended_at: null,
        why: null,
        dedupe_key: null,
        awaits: null,
      })
      .execute();
    await database.db
      .insertInto('totp_factors')
      .values({
        user_id: 'asha',
        secret: ringOf(KEY).forPurpose('totp').encrypt('the app'),
        last_step: 0,
        created_at: 0,
      })
      .execute();
    const { encrypt: encryptForStrategies } = ringOf(KEY).forPurpose('strategies');
    await addStrategy(database, 'asha', { webhookId: encryptForStrategies('the webhook') });
    await database.db
      .updateTable('strategies')
      .set({ signing_secret: encryptForStrategies('the signing secret') })
      .execute();
  }

  /** Everything that is encrypted, read with these keys only; `undefined` for what they do not read. */
  async function readAll(...keys: string[]): Promise<(string | undefined)[]> {
    const keyRing = ringOf(...keys);
    const texts = [];
    for (const column of CIPHERTEXT_COLUMNS) {
      for (const { purpose, ciphertext } of await ciphertexts().listAfter(column, '', 1000)) {
        const sealed = column.mark === undefined ? ciphertext : (/gAAAAA[\w=-]+/.exec(ciphertext)?.[0] ?? '');
        const decrypted = keyRing.forPurpose(purpose).decrypt(sealed);
        texts.push(decrypted.kind === 'ok' ? decrypted.text : undefined);
      }
    }
    return texts;
  }

  it('knows every column that holds a ciphertext', async () => {
    await fill();
    const rotated = new Set(CIPHERTEXT_COLUMNS.map(({ table, column }) => `${table}.${column}`));
    for (const table of [
      'broker_tokens',
      'broker_logouts',
      'broker_authorizations',
      'broker_credentials',
      'totp_factors',
      'telegram_bots',
      'telegram_messages',
      'mail_messages',
      'strategies',
    ] as const)
      for (const row of await database.db.selectFrom(table).selectAll().execute())
        for (const [column, value] of Object.entries(row))
          if (/\bgAAAAA/.test(String(value))) expect(rotated).toContain(`${table}.${column}`);
    for (const column of CIPHERTEXT_COLUMNS) expect(await ciphertexts().count(column)).toBe(1);
  });

  it('lets the new key alone read everything', async () => {
    await fill();
    const before = await readAll(KEY);
    expect(total(await rotate())).toEqual({ renewed: 12, current: 0, unreadable: 0, changed: 0 });
    expect(await readAll(NEW_KEY)).toEqual(before);
    expect(before).toEqual([
      'access of asha',
      'feed of asha',
      'refresh',
      'old',
      'verifier',
      'the api key',
      'the app',
      'the bot token',
      'the link',
      'the mail',
      'the webhook',
      'the signing secret',
    ]);
    expect(world.audit.events).toEqual([{ type: 'keys.rotated', renewed: 12, unreadable: 0 }]);
  });

  it('changes nothing the second time', async () => {
    await fill();
    await rotate();
    const rows = JSON.stringify(await world.tokenRows());
    expect(total(await rotate())).toMatchObject({ renewed: 0, current: 12 });
    expect(JSON.stringify(await world.tokenRows())).toBe(rows);
  });

  it('goes on where it was cut short', async () => {
    await fill();
    const stop = () => Promise.reject(new Error('the power is gone'));
    let calls = 0;
    const failing = {
      ...ciphertexts(),
      replace: (...args: Parameters<ReturnType<typeof ciphertexts>['replace']>) =>
        ++calls > 2 ? stop() : ciphertexts().replace(...args),
    };
    await expect(rotate(undefined, failing)).rejects.toThrow('the power is gone');
    expect((await readAll(NEW_KEY)).filter((text) => text !== undefined)).toHaveLength(2);
    expect(total(await rotate())).toMatchObject({ renewed: 10, current: 2 });
  });

  it('counts what no key reads, and leaves it alone', async () => {
    await fill();
    const foreign = ringOf(LOST_KEY).forPurpose('broker/sandbox').encrypt('lost');
    await database.db.updateTable('broker_credentials').set({ value: foreign }).execute();
    expect(total(await rotate())).toMatchObject({ renewed: 11, unreadable: 1 });
    const [row] = await database.db.selectFrom('broker_credentials').select('value').execute();
    expect(row?.value).toBe(foreign);
  });

  it('does not bring back what the server wiped or changed in the same moment', async () => {
    await fill();
    const racing = {
      ...ciphertexts(),
      async replace(...args: Parameters<ReturnType<typeof ciphertexts>['replace']>) {
        await world.tokens.end(
          { kind: 'of_broker', userId: 'asha', broker: 'sandbox' },
          { reason: 'logged_out', now: world.clock.now() },
        );
        return ciphertexts().replace(...args);
      },
    };
    const report = await rotate(undefined, racing);
    expect(report[0]).toMatchObject({ changed: 1, renewed: 0 });
    expect(await world.tokenRows()).toMatchObject([{ access_token: null, feed_token: null }]);
  });

  it('works in batches and tells how far it is', async () => {
    const { encrypt } = world.cipher.forBroker('sandbox');
    const rows = Array.from({ length: 450 }, (_, index) => ({
      id: `logout-${index}`,
      userId: 'asha',
      broker: 'sandbox',
      accessToken: encrypt(`token ${index}`),
    }));
    for (const row of rows) await world.logouts.add(row, 0);
    const told: number[] = [];
    await rotate(({ done, total: of }) => {
      told.push(done);
      expect(of).toBe(450);
    });
    expect(told).toEqual([200, 400, 450]);
    expect((await readAll(NEW_KEY)).filter((text) => text === undefined)).toEqual([]);
  });
});
