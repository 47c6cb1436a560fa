import type { ReadStreamPass } from '../core/price-feed.ts';
import type { Acting } from '../storage/acting.ts';
import type { BrokerAdapters } from './broker-adapter.ts';
import type { Credentials } from './credentials.ts';
import type { ReportRejected } from './rejection.ts';
import { secretDigest } from './secret-digest.ts';
import type { TokenReader } from './token-reader.ts';

export interface StreamPassDeps {
  readonly adapters: BrokerAdapters;
  readonly reader: Pick<TokenReader, 'accessToken' | 'feedToken'>;
  readonly credentials: Pick<Credentials, 'of'>;
  readonly reportRejected: ReportRejected;
  readonly acting: Pick<Acting, 'asServer'>;
}

/** Reads what opens a user's stream, through the feed cache. */
export function createStreamPassReader(deps: StreamPassDeps): ReadStreamPass {
  const { adapters, reader, credentials, reportRejected, acting } = deps;

  return async function readStreamPass(userId, broker) {
    const adapter = adapters.get(broker);
    const feed = adapter?.feed;
    if (adapter === undefined || feed === undefined) return NOT_CONNECTED;
    // The access token first: where the connection is another one by then, a rejection names one that is over already.
    const access = await reader.accessToken(userId, broker);
    const reading = await reader.feedToken(userId, broker);
    if (access.kind !== 'token' || reading.kind !== 'token') return NOT_CONNECTED;
    const app = await credentials.of(userId, adapter);
    if (app === undefined) return NOT_CONNECTED;
    const tokenDigest = secretDigest(access.token);
    const { token, expiresAt } = reading;
    return {
      kind: 'pass',
      version: secretDigest(`${tokenDigest} ${token}`),
      expiresAt,
      connect: (listener) => feed.connect({ token, credentials: app }, listener),
      // The broker's word: the session whose request opened the stream may have ended since.
      reportRejected: () => acting.asServer(() => reportRejected(userId, broker, { tokenDigest })),
    };
  };
}

const NOT_CONNECTED = { kind: 'not_connected' } as const;
