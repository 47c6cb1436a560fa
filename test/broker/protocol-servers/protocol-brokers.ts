import { createAdapters, type RealBroker } from '../../../src/broker/adapters/all-adapters.ts';
import type { BrokerAdapter } from '../../../src/broker/broker-adapter.ts';
import { callbackUri } from '../../../src/broker/callback-uri.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { type DhanServer, startDhanServer } from './dhan.ts';
import { startFyersServer } from './fyers.ts';
import type { ProtocolServer } from './protocol-server.ts';
import { startUpstoxServer } from './upstox.ts';
import { startZerodhaServer } from './zerodha.ts';

export const REAL_BROKERS = ['zerodha', 'upstox', 'fyers', 'dhan'] as const satisfies readonly RealBroker[];

/** The four brokers as their documentation describes them, for a Curfew at this address. */
export interface ProtocolBrokers {
  readonly servers: Readonly<Record<RealBroker, ProtocolServer>> & { readonly dhan: DhanServer };
  /** The product's own adapters for them, and the practice broker before them. */
  readonly adapters: readonly BrokerAdapter[];
  close(): Promise<void>;
}

/** `loginHost`: a browser takes `localhost` for another site than 127.0.0.1, as a broker's login page is to Curfew. */
export async function startProtocolBrokers(
  clock: Clock,
  publicOrigin: string,
  { loginHost = '127.0.0.1' } = {},
): Promise<ProtocolBrokers> {
  const optionsFor = (broker: RealBroker) => ({ clock, redirectUri: callbackUri(publicOrigin, broker) });
  const servers = {
    zerodha: await startZerodhaServer(optionsFor('zerodha')),
    upstox: await startUpstoxServer(optionsFor('upstox')),
    fyers: await startFyersServer(optionsFor('fyers')),
    dhan: await startDhanServer(optionsFor('dhan')),
  };
  const endpointsOf = ({ endpoints }: ProtocolServer) => ({
    ...endpoints,
    login: endpoints.login.replace('127.0.0.1', loginHost),
  });
  return {
    servers,
    adapters: createAdapters({
      clock,
      publicOrigin,
      internalOrigin: () => publicOrigin,
      sandbox: true,
      endpoints: {
        zerodha: endpointsOf(servers.zerodha),
        upstox: endpointsOf(servers.upstox),
        fyers: endpointsOf(servers.fyers),
        dhan: endpointsOf(servers.dhan),
      },
    }),
    async close() {
      await Promise.all(Object.values(servers).map((server) => server.close()));
    },
  };
}
