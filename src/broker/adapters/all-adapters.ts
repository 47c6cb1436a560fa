import type { BrokerAdapter } from '../broker-adapter.ts';
import type { BrokerEndpoints } from './broker-endpoints.ts';
import { createDhanAdapter } from './dhan.ts';
import { createFyersAdapter } from './fyers.ts';
import { createSandboxAdapter, type SandboxAdapterDeps } from './sandbox.ts';
import { createUpstoxAdapter } from './upstox.ts';
import { createZerodhaAdapter } from './zerodha.ts';

export type RealBroker = 'zerodha' | 'upstox' | 'fyers' | 'dhan';

/** Other addresses than the published ones, for tests. */
export type EndpointOverrides = Readonly<Partial<Record<RealBroker, BrokerEndpoints>>>;

export interface AllAdaptersDeps extends SandboxAdapterDeps {
  /** Whether the practice broker is there. */
  readonly sandbox: boolean;
  readonly endpoints?: EndpointOverrides;
}

/** Every broker that this server knows, in the order in which pages list them: the place to add one. */
export function createAdapters({
  sandbox,
  endpoints = {},
  ...deps
}: AllAdaptersDeps): readonly BrokerAdapter[] {
  const { clock } = deps;
  return [
    ...(sandbox ? [createSandboxAdapter(deps)] : []),
    createZerodhaAdapter({ clock, ...at(endpoints.zerodha) }),
    createUpstoxAdapter({ clock, ...at(endpoints.upstox) }),
    createFyersAdapter({ clock, ...at(endpoints.fyers) }),
    createDhanAdapter({ clock, ...at(endpoints.dhan) }),
  ];
}

/** Leaves the adapter's own default alone where nothing is given. */
function at(endpoints: BrokerEndpoints | undefined): { readonly endpoints?: BrokerEndpoints } {
  return endpoints === undefined ? {} : { endpoints };
}
