import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler } from 'express';
import { createSandboxBroker } from '../../../src/broker/sandbox/sandbox-broker.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { AppError } from '../../../src/errors.ts';
import type { Database } from '../../../src/storage/database.ts';
import { readRoutePolicy } from '../../support/route-policies.ts';

/** Nobody can resolve this name: whoever reaches the sandbox does so by its internal address. */
export const PUBLIC_ORIGIN = 'https://curfew.invalid';

export interface SandboxApp {
  readonly internalOrigin: string;
  close(): Promise<void>;
}

/** The practice broker alone, for a person who is signed in as `asha`. Pages come as JSON of their data. */
export async function startSandboxApp(database: Database, clock: Clock): Promise<SandboxApp> {
  const sandbox = createSandboxBroker({
    database,
    clock,
    publicOrigin: PUBLIC_ORIGIN,
    marketHours: 'always',
  });
  const app = express();
  app.use(readRoutePolicy);
  app.engine('ejs', (_path, data, done) => done(null, JSON.stringify(data)));
  app.set('view engine', 'ejs');
  app.set('views', new URL('../../../views', import.meta.url).pathname);
  app.use(sandbox.programs);
  app.use((req, _res, next) => {
    const session = { userId: '1', username: 'asha', epoch: 0, loginTime: '2026-11-20T09:00:00.000+05:30' };
    if (req.get('x-visitor') === undefined) Object.assign(req, { session, sessionID: 'sid' });
    next();
  });
  app.use(express.urlencoded({ extended: false }));
  app.use(sandbox.pages);
  const showError: ErrorRequestHandler = (error: unknown, _req, res, _next) => {
    res.status(error instanceof AppError ? error.status : 500).send('refused');
  };
  app.use(showError);

  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    internalOrigin: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
