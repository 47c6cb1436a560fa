import type { Router } from 'express';
import type { Clock } from '../../core/clock.ts';
import type { Database } from '../../storage/database.ts';
import { createSandboxAuthorizationPage } from './authorization-page.ts';
import { createSandboxProgramEndpoints } from './program-endpoints.ts';
import { sandboxClient } from './sandbox-client.ts';
import { createSandboxStore } from './sandbox-store.ts';

export interface SandboxBroker {
  /** In front of the session: metadata, token, revoke, profile, market. Brings its own body parser. */
  readonly programs: Router;
  /** Behind session, guard and CSRF: the page that asks a person. */
  readonly pages: Router;
}

export interface SandboxBrokerDeps {
  readonly database: Database;
  readonly clock: Clock;
  /** BASE_URL: scheme, host and port, without a slash at the end. */
  readonly publicOrigin: string;
  /** SANDBOX_MARKET. */
  readonly marketHours: 'market' | 'always';
}

/**
 * The built-in practice broker: a small OAuth 2.0 authorization server of its own, which shares nothing with the rest
 * but the process and the database.
 */
export function createSandboxBroker({
  database,
  clock,
  publicOrigin,
  marketHours,
}: SandboxBrokerDeps): SandboxBroker {
  const context = {
    store: createSandboxStore(database),
    clock,
    publicOrigin,
    client: sandboxClient(publicOrigin),
    marketHours,
  };
  return {
    programs: createSandboxProgramEndpoints(context),
    pages: createSandboxAuthorizationPage(context),
  };
}
