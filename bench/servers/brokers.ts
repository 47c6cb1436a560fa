import { createAdapters } from '../../src/broker/adapters/all-adapters.ts';
import { createBrokerAdapters } from '../../src/broker/broker-adapter.ts';
import { type BrokerOverview, createBrokerOverview } from '../../src/broker/broker-overview.ts';
import { createCredentialStore } from '../../src/broker/credential-store.ts';
import { createCredentials } from '../../src/broker/credentials.ts';
import { createRecentConnections } from '../../src/broker/recent-connections.ts';
import { createTokenCipher } from '../../src/broker/token-cipher.ts';
import { createTokenStore } from '../../src/broker/token-store.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createCutoffCalendar } from '../../src/core/cutoff.ts';
import type { Database } from '../../src/storage/database.ts';
import { TEST_SECRETS } from '../../test/support/test-server.ts';

/** As in Curfew's defaults. One object: the calendar takes another one for a changed setting. */
const CUTOFF_TIME = { hour: 3, minute: 0 };

export const calendar = createCutoffCalendar({ clock: systemClock, cutoffTime: () => CUTOFF_TIME });

/** What Curfew's page of brokers shows, by Curfew's own code: that is not what is compared. */
export function createOverview(database: Database): BrokerOverview {
  const clock = systemClock;
  const publicOrigin = 'http://127.0.0.1';
  const adapters = createAdapters({
    clock,
    publicOrigin,
    internalOrigin: () => publicOrigin,
    sandbox: false,
  });
  const credentials = createCredentials({
    credentialStore: createCredentialStore(database),
    cipher: createTokenCipher({ keys: [TEST_SECRETS.ENCRYPTION_KEY], clock }),
    clock,
    audit: { record: async () => undefined, recordMany: async () => undefined },
  });
  return createBrokerOverview({
    holdByDefault: false,
    recentConnections: createRecentConnections({ tokens: createTokenStore(database), clock }),
    credentials,
    adapters: createBrokerAdapters(adapters),
    calendar,
    clock,
  });
}
