import type { BrokerAdapter } from '../../src/broker/broker-adapter.ts';
import { createFakeAdapter } from '../broker/fake-adapter.ts';
import type { FeedServer } from '../broker/feeds/feed-server.ts';

const DAY = 86_400_000;

export interface StreamingAdapterOptions {
  readonly id: string;
  readonly name: string;
  /** Whose prices they are. */
  readonly prices: FeedServer;
  /** Told of each token that is granted. */
  readonly onToken: (token: string) => void;
  /** Other parts of the feed than the server's own. */
  readonly feed?: Partial<NonNullable<BrokerAdapter['feed']>>;
}

/** A broker that logs every user in at once. */
export function createStreamingAdapter({ id, name, prices, onToken, feed }: StreamingAdapterOptions) {
  return createFakeAdapter({
    id,
    name,
    startAuthorization: async ({ state, redirectUri }) => ({
      kind: 'redirect',
      url: new URL(`${redirectUri}?state=${state}`),
    }),
    async exchange() {
      const accessToken = prices.issueToken();
      onToken(accessToken);
      return { kind: 'granted', accessToken, expiresAt: Date.now() + DAY };
    },
    revoke: async () => ({ kind: 'done' }),
    feed: {
      ...prices.feed,
      ...feed,
      connect: ({ token }, listener) =>
        prices.feed.connect({ token, credentials: prices.credentials }, listener),
    },
  });
}
