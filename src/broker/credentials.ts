import { type AuditLog, type AuditOrigin, SYSTEM_ORIGIN } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { AppCredentials, BrokerAdapter, CredentialField } from './broker-adapter.ts';
import type { CredentialStore, StoredCredential } from './credential-store.ts';
import type { TokenCipher } from './token-cipher.ts';

/** A user's app credentials at a broker, as far as a page may show them. */
export interface CredentialSummary {
  /** When they were entered, in ms since the epoch. Undefined: they are not all there. */
  readonly setAt: number | undefined;
  /** The end of the first value that is no secret, so that people know which app it is. */
  readonly hint: string | undefined;
}

/** The app credentials that people have registered with their brokers. A broker that wants none has `{}` for each user. */
export interface Credentials {
  /** Undefined when they are not all there, or cannot be read any more. */
  of(userId: string, adapter: BrokerAdapter): Promise<AppCredentials | undefined>;
  /** The ids of the brokers among these whose credentials are all there; decrypts nothing. */
  completeAmong(userId: string, adapters: Iterable<BrokerAdapter>): Promise<ReadonlySet<string>>;
  describe(userId: string, adapter: BrokerAdapter): Promise<CredentialSummary>;
  save(userId: string, adapter: BrokerAdapter, values: AppCredentials, origin: AuditOrigin): Promise<void>;
  /** Twice is harmless. */
  remove(userId: string, adapter: BrokerAdapter, origin: AuditOrigin): Promise<void>;
}

export interface CredentialsDeps {
  readonly credentialStore: CredentialStore;
  readonly cipher: TokenCipher;
  readonly clock: Clock;
  readonly audit: AuditLog;
}

/** As many characters as let a person tell two apps apart, of a value that has twice as many at the least. */
const HINT_LENGTH = 4;

export function createCredentials(deps: CredentialsDeps): Credentials {
  const { credentialStore, cipher, clock, audit } = deps;

  return {
    async of(userId, adapter) {
      if (adapter.credentialFields.length === 0) return {};
      const stored = await find(userId, adapter);
      if (stored === undefined) return undefined;
      const { decrypt } = cipher.forBroker(adapter.id);
      const values: Record<string, string> = {};
      for (const { field, value } of stored) {
        const decrypted = decrypt(value);
        if (decrypted.kind === 'unreadable') return giveUpUnreadable(userId, adapter);
        values[field] = decrypted.text;
      }
      return values;
    },

    async completeAmong(userId, adapters) {
      const stored = await credentialStore.listByUser(userId);
      const complete = [...adapters].filter((adapter) => completeSet(stored, adapter) !== undefined);
      return new Set(complete.map((adapter) => adapter.id));
    },

    async describe(userId, adapter) {
      const stored = await find(userId, adapter);
      if (stored === undefined) return { setAt: undefined, hint: undefined };
      const shown = adapter.credentialFields.find((field) => !field.secret);
      return { setAt: Math.max(...stored.map((each) => each.setAt)), hint: hintOf(stored, adapter, shown) };
    },

    async save(userId, adapter, values, origin) {
      const broker = adapter.id;
      const { encrypt } = cipher.forBroker(broker);
      const ciphertexts = adapter.credentialFields.map(({ name }) => [name, encrypt(values[name] ?? '')]);
      await credentialStore.replace(userId, broker, Object.fromEntries(ciphertexts), clock.now());
      await audit.record({ type: 'broker.credentials_saved', userId, broker }, origin);
    },

    async remove(userId, adapter, origin) {
      const broker = adapter.id;
      if (await credentialStore.remove(userId, broker))
        await audit.record({ type: 'broker.credentials_removed', userId, broker }, origin);
    },
  };

  async function find(userId: string, adapter: BrokerAdapter) {
    return completeSet(await credentialStore.listByUser(userId), adapter);
  }

  /** Changed in the database, or their key is gone: of no use to anyone, so the person enters them again. */
  async function giveUpUnreadable(userId: string, { id: broker }: BrokerAdapter): Promise<undefined> {
    if (await credentialStore.remove(userId, broker))
      await audit.record({ type: 'broker.credentials_unreadable', userId, broker }, SYSTEM_ORIGIN);
  }

  function hintOf(
    stored: readonly StoredCredential[],
    { id }: BrokerAdapter,
    field: CredentialField | undefined,
  ): string | undefined {
    const ciphertext = stored.find((each) => each.field === field?.name)?.value;
    if (ciphertext === undefined) return undefined;
    const decrypted = cipher.forBroker(id).decrypt(ciphertext);
    const long = decrypted.kind === 'ok' && decrypted.text.length >= 2 * HINT_LENGTH;
    return long ? decrypted.text.slice(-HINT_LENGTH) : undefined;
  }
}

/** Exactly the fields that the adapter wants; undefined when one is missing, as after an update that wants more. */
function completeSet(
  stored: readonly StoredCredential[],
  { id, credentialFields }: BrokerAdapter,
): readonly StoredCredential[] | undefined {
  const own = stored.filter((each) => each.broker === id);
  const found = credentialFields.map(({ name }) => own.find((each) => each.field === name));
  const complete = found.filter((each) => each !== undefined);
  return complete.length === found.length ? complete : undefined;
}
