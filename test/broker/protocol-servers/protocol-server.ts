import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BrokerEndpoints } from '../../../src/broker/adapters/broker-endpoints.ts';
import type { AppCredentials } from '../../../src/broker/broker-adapter.ts';
import type { Clock } from '../../../src/core/clock.ts';

export interface ProtocolServerOptions {
  readonly clock: Clock;
  /** The address that is registered with the app: where the login page sends people back to. */
  readonly redirectUri: string;
}

/** A broker as its documentation describes it, on a port of this machine. Refuses what the documentation refuses. */
export interface ProtocolServer {
  readonly endpoints: BrokerEndpoints;
  /** Of the one app that is registered there. */
  readonly credentials: AppCredentials;
  /** Whose account the tokens are for. */
  readonly clientId: string;
  /** What the broker's profile answers to a token: 200 while it lives. */
  profileStatus(accessToken: string): Promise<number>;
  /** What the opening request of the broker's price feed answers to a token. */
  feedStatus(token: string): Promise<number>;
  /** The app's secret, and every code and token that was made: what no log and no database may hold in clear. */
  secrets(): readonly string[];
  /** From now on it answers everything like this, whatever its protocol says; `undefined`: it is well again. */
  answerWith(listener: RequestListener | undefined): void;
  close(): Promise<void>;
}

export interface Listening {
  readonly origin: string;
  answerWith(listener: RequestListener | undefined): void;
  close(): Promise<void>;
}

export async function listen(listener: RequestListener): Promise<Listening> {
  let current = listener;
  const server = createServer((req, res) => current(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    answerWith(other) {
      current = other ?? listener;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export async function statusOf(url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const response = await fetch(url, { headers });
  await response.body?.cancel();
  return response.status;
}
