import { createAuthorizationStore } from '../../src/broker/authorization-store.ts';
import { type BrokerAdapter, createBrokerAdapters } from '../../src/broker/broker-adapter.ts';
import { createCredentialStore } from '../../src/broker/credential-store.ts';
import { createCredentials } from '../../src/broker/credentials.ts';
import { createFailedLogoutStore } from '../../src/broker/failed-logout-store.ts';
import { createHeldConnectionStore } from '../../src/broker/held-connection-store.ts';
import { createLogoutStore } from '../../src/broker/logout-store.ts';
import { createRecentConnections } from '../../src/broker/recent-connections.ts';
import { createRefreshStore } from '../../src/broker/refresh-store.ts';
import { secretDigest } from '../../src/broker/secret-digest.ts';
import { createTokenCipher } from '../../src/broker/token-cipher.ts';
import { createTokenReader } from '../../src/broker/token-reader.ts';
import { createTokenStore, type NewConnection } from '../../src/broker/token-store.ts';
import { createCutoffCalendar } from '../../src/core/cutoff.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { createEpochStore } from '../../src/revocation/epoch-store.ts';
import { createCaches } from '../../src/storage/caches.ts';
import type { Database } from '../../src/storage/database.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { createFakeAdapter } from './fake-adapter.ts';
import { createRecordingAudit } from './recording-audit.ts';
import { createRecordingLog } from './recording-log.ts';

export const KEY = Buffer.alloc(32, 7).toString('base64url');

/** A Friday morning in Mumbai. */
export const MORNING = '2026-11-20T09:15:00+05:30';

/** The room's parts on a real database, with a clock that a test moves and a count of decryptions. */
export function createBrokerWorld(
  database: Database,
  adapters: readonly BrokerAdapter[] = [createFakeAdapter()],
) {
  const clock = createSettableClock(MORNING);
  const calendar = createCutoffCalendar({ clock, cutoffTime: () => ({ hour: 3, minute: 0 }) });
  const caches = createCaches({ clock, calendar });
  const epochs = createEpochStore(database);
  const audit = createRecordingAudit();
  const log = createRecordingLog();
  const tokens = createTokenStore(database);
  const logouts = createLogoutStore(database);
  const authorizations = createAuthorizationStore(database);
  const realCipher = createTokenCipher({ keys: [KEY], clock });
  const counted = { decryptions: 0 };
  // Each connection has a token of its own, as at nearly every broker.
  let tokenNumber = 0;
  const cipher: typeof realCipher = {
    forBroker: (broker) => ({
      encrypt: (text) => realCipher.forBroker(broker).encrypt(text),
      decrypt(token) {
        counted.decryptions += 1;
        return realCipher.forBroker(broker).decrypt(token);
      },
      renew: (token) => realCipher.forBroker(broker).renew(token),
    }),
  };
  const credentials = createCredentials({
    credentialStore: createCredentialStore(database),
    cipher,
    clock,
    audit,
  });
  const parts = {
    clock,
    calendar,
    caches,
    epochs,
    audit,
    log,
    tokens,
    recentConnections: createRecentConnections({ tokens, clock }),
    logouts,
    failedLogouts: createFailedLogoutStore(database),
    refreshes: createRefreshStore(database),
    held: createHeldConnectionStore(database),
    holdByDefault: false,
    authorizations,
    cipher,
    credentials,
    adapters: createBrokerAdapters(adapters),
  };

  return {
    ...parts,
    acting: database.acting,
    database,
    counted,
    reader: createTokenReader(parts),
    /** Stores a connection to the sandbox whose tokens say whose they are. */
    async connect(userId: string, changes: Partial<NewConnection> = {}): Promise<NewConnection> {
      const broker = changes.broker ?? 'sandbox';
      tokenNumber += 1;
      const { encrypt } = cipher.forBroker(broker);
      const connection: NewConnection = {
        id: crypto.randomUUID(),
        userId,
        broker,
        accessToken: encrypt(`access of ${userId}`),
        feedToken: encrypt(`feed of ${userId}`),
        refreshToken: undefined,
        tokenDigest: secretDigest(`access of ${userId}, ${tokenNumber}`),
        epoch: await epochs.current(userId),
        issuedAt: clock.now(),
        expiresAt: clock.now() + DAY_MS,
        held: false,
        clientId: undefined,
        ...changes,
      };
      await tokens.replace(connection, clock.now());
      return connection;
    },
    tokenRows: () => database.db.selectFrom('broker_tokens').selectAll().orderBy('issued_at').execute(),
    logoutRows: () => database.db.selectFrom('broker_logouts').selectAll().orderBy('requested_at').execute(),
  };
}

export type BrokerWorld = ReturnType<typeof createBrokerWorld>;
