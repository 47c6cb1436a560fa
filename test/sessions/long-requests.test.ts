import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Express } from 'express';
import express from 'express';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLongRequests, type LongRequests } from '../../src/sessions/long-requests.ts';
import { holdRequest } from '../support/held-request.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';

const BOUNDARY = 'curfew-boundary';
const part = (name: string, value: string): string =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;

describe('An upload whose session ends', () => {
  let server: TestServer;
  let visitor: Visitor;

  beforeAll(async () => {
    server = await startTestServer({ jobs: true });
    await setUp(createVisitor(server.origin));
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    visitor = createVisitor(server.origin);
    await signIn(visitor);
  });

  it.each([
    ['/symbols/imports', 'instruments.csv'],
    ['/security/bans/import', 'bans.csv'],
  ])('is cut short at %s, and says why', async (path, fileName) => {
    const token = await visitor.csrfTokenOf(path);
    const begin = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${fileName}"\r\nContent-Type: text/csv\r\n\r\nfirst,line\n`;
    const sent = part('_csrf', token) + part('broker', '') + part('length', '1w') + begin;
    const held = await holdRequest(server.origin, {
      path,
      headers: {
        Accept: 'text/html',
        Origin: server.origin,
        Cookie: `curfew=${visitor.sessionCookie()}`,
        'Content-Type': `multipart/form-data; boundary=${BOUNDARY}`,
        'Content-Length': '100000',
      },
      body: sent,
      sentAtOnce: sent.length,
    });
    await sleep(100);
    await visitor.submit('/auth/logout', {});
    const endedAt = performance.now();
    const { status, headers } = await held.answer();
    expect(status).toBe(303);
    expect(headers).toMatch(/^location: \/auth\/login\?reason=revoked/im);
    expect(performance.now() - endedAt).toBeLessThan(10_000);
  });

  it('leaves an import that another person may follow at once', async () => {
    const imports = await server.infrastructure.database.db
      .selectFrom('symbol_imports')
      .select(['status'])
      .execute();
    expect(imports).not.toContainEqual({ status: 'running' });
  });
});

describe('A long answer', () => {
  let ended: boolean;
  let longRequests: LongRequests;
  let close: () => Promise<void>;
  let origin: string;

  beforeEach(async () => {
    ended = false;
    const errors: unknown[] = [];
    longRequests = createLongRequests({
      actors: { hasEnded: async () => ended },
      onError: (error) => void errors.push(error),
    });
    const app: Express = express();
    app.get('/export', (req, res) => {
      longRequests.follow(req, res, { userId: 'asha', sid: 'one', epoch: 0, loginTime: 0 });
      const beat = setInterval(() => res.write('row\n'), 50);
      res.once('close', () => clearInterval(beat));
    });
    const listening = app.listen(0, '127.0.0.1');
    await once(listening, 'listening');
    const address = listening.address();
    origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    longRequests.start();
    close = async () => {
      await longRequests.stop();
      listening.closeAllConnections();
      listening.close();
      expect(errors).toEqual([]);
    };
  });
  afterEach(() => close());

  const read = async (): Promise<string> => (await fetch(`${origin}/export`)).text();

  it('goes on while its session lives, and is cut off when that ends', async () => {
    const reading = read();
    const outcome = reading.then(
      () => 'whole',
      () => 'cut off',
    );
    expect(await Promise.race([outcome, sleep(2500, 'goes on')])).toBe('goes on');
    ended = true;
    expect(await Promise.race([outcome, sleep(5000, 'goes on')])).toBe('cut off');
  });
});
