import type { BrokerAdapter, BrokerGrant, BrokerLogoutResult } from '../../src/broker/broker-adapter.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import type { SettableClock } from '../support/settable-clock.ts';
import type { Answer, Visitor } from '../support/visitor.ts';
import { createFakeAdapter } from './fake-adapter.ts';

/** A broker inside the test, for the whole way through the server's pages: it allows everything, and remembers it. */
export interface FakeBroker {
  readonly adapter: BrokerAdapter;
  /** Access tokens that it was told to end. */
  readonly ended: readonly string[];
  /** What it hands out at the next login. */
  grant: () => BrokerGrant;
  onRevoke: (accessToken: string) => Promise<BrokerLogoutResult>;
}

export function createFakeBroker(clock: SettableClock, changes: Partial<BrokerAdapter> = {}): FakeBroker {
  const ended: string[] = [];
  let logins = 0;
  const broker: FakeBroker = {
    ended,
    grant: () => {
      logins += 1;
      return { kind: 'granted', accessToken: `fake-access-${logins}`, expiresAt: clock.now() + DAY_MS };
    },
    onRevoke: async () => ({ kind: 'done' }),
    adapter: createFakeAdapter({
      id: 'fake',
      name: 'Fake broker',
      async startAuthorization({ state }) {
        return { kind: 'redirect', url: new URL(`https://broker.example/login?state=${state}`) };
      },
      exchange: async () => broker.grant(),
      revoke(request) {
        ended.push(request.accessToken);
        return broker.onRevoke(request.accessToken);
      },
      ...changes,
    }),
  };
  return broker;
}

/** The address that the broker would send the browser back to. */
export async function goToFakeBroker(visitor: Visitor, fields: Record<string, string> = {}): Promise<string> {
  const start = await visitor.submit('/broker/fake/connection', fields, '/broker');
  const state = URL.parse(start.location)?.searchParams.get('state');
  if (!state) throw new Error(`Not sent to the broker: ${start.status} ${start.location}`);
  return `/auth/broker/fake/callback?state=${state}&code=x`;
}

export async function connectFake(visitor: Visitor, fields: Record<string, string> = {}): Promise<Answer> {
  return visitor.get(await goToFakeBroker(visitor, fields));
}
