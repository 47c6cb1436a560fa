import { createDhanAdapter } from '../../../src/broker/adapters/dhan.ts';
import { createFyersAdapter } from '../../../src/broker/adapters/fyers.ts';
import { createSandboxAdapter } from '../../../src/broker/adapters/sandbox.ts';
import { createUpstoxAdapter } from '../../../src/broker/adapters/upstox.ts';
import { createZerodhaAdapter } from '../../../src/broker/adapters/zerodha.ts';
import type { BrokerAdapter } from '../../../src/broker/broker-adapter.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { openMemory } from '../../support/databases.ts';
import { pressButton } from '../protocol-servers/consent-page.ts';
import { startDhanServer } from '../protocol-servers/dhan.ts';
import { startFyersServer } from '../protocol-servers/fyers.ts';
import { type ProtocolServer, statusOf } from '../protocol-servers/protocol-server.ts';
import { startUpstoxServer } from '../protocol-servers/upstox.ts';
import { startZerodhaServer } from '../protocol-servers/zerodha.ts';
import { PUBLIC_ORIGIN, startSandboxApp } from '../sandbox/sandbox-app.ts';

/** An adapter, and a broker of the same protocol that it talks to. */
export interface BrokerTrial extends Omit<ProtocolServer, 'endpoints' | 'feedStatus' | 'answerWith'> {
  readonly adapter: BrokerAdapter;
  /** Whether a token comes with the client id of its account. */
  readonly saysWhose: boolean;
  readonly redirectUri: string;
  /** Absent for the practice broker, whose market is in this process. */
  readonly feedStatus?: ProtocolServer['feedStatus'];
  /** What a person brings back who opens the page and presses the button. */
  authorize(page: URL, decision: 'allow' | 'deny'): Promise<URLSearchParams>;
}

export const callbackOf = (broker: string): string => `${PUBLIC_ORIGIN}/auth/broker/${broker}/callback`;

async function authorize(page: URL, decision: 'allow' | 'deny'): Promise<URLSearchParams> {
  return (await pressButton(page, decision)).searchParams;
}

async function startSandbox(clock: Clock): Promise<BrokerTrial> {
  const database = await openMemory();
  const app = await startSandboxApp(database, clock);
  const { internalOrigin } = app;
  const profileStatus = (token: string) =>
    statusOf(`${internalOrigin}/sandbox/profile`, { authorization: `Bearer ${token}` });
  return {
    adapter: createSandboxAdapter({
      clock,
      publicOrigin: PUBLIC_ORIGIN,
      internalOrigin: () => internalOrigin,
    }),
    credentials: {},
    clientId: 'asha',
    saysWhose: false,
    redirectUri: callbackOf('sandbox'),
    profileStatus,
    secrets: () => [],
    async authorize({ searchParams }, decision) {
      const body = new URLSearchParams([...searchParams, ['decision', decision]]);
      const options = { method: 'POST', redirect: 'manual', body } as const;
      const response = await fetch(`${internalOrigin}/sandbox/authorize`, options);
      return new URL(response.headers.get('location') ?? '').searchParams;
    },
    async close() {
      await app.close();
      await database.close();
    },
  };
}

/** Each starts the broker of its name. */
export const TRIALS: Readonly<Record<string, (clock: Clock) => Promise<BrokerTrial>>> = {
  sandbox: startSandbox,
  async zerodha(clock) {
    const redirectUri = callbackOf('zerodha');
    const server = await startZerodhaServer({ clock, redirectUri });
    const adapter = createZerodhaAdapter({ clock, endpoints: server.endpoints });
    return { ...server, adapter, redirectUri, authorize, saysWhose: true };
  },
  async upstox(clock) {
    const redirectUri = callbackOf('upstox');
    const server = await startUpstoxServer({ clock, redirectUri });
    const adapter = createUpstoxAdapter({ clock, endpoints: server.endpoints });
    return { ...server, adapter, redirectUri, authorize, saysWhose: true };
  },
  async fyers(clock) {
    const redirectUri = callbackOf('fyers');
    const server = await startFyersServer({ clock, redirectUri });
    const adapter = createFyersAdapter({ clock, endpoints: server.endpoints });
    return { ...server, adapter, redirectUri, authorize, saysWhose: false };
  },
  async dhan(clock) {
    const redirectUri = callbackOf('dhan');
    const server = await startDhanServer({ clock, redirectUri });
    const adapter = createDhanAdapter({ clock, endpoints: server.endpoints });
    return { ...server, adapter, redirectUri, authorize, saysWhose: true };
  },
};
