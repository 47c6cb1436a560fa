import express from 'express';
import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/boot/logger.ts';
import type { LogLevel } from '../../src/config.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createRequestId } from '../../src/http/request-id.ts';
import { createRequestLog } from '../../src/http/request-log.ts';
import { createRequestWatch } from '../../src/http/request-watch.ts';
import { readRoutePolicy } from '../support/route-policies.ts';

function start(level: LogLevel) {
  const lines: string[] = [];
  const app = express();
  app.use(readRoutePolicy);
  app.use(createRequestId());
  const log = createLogger(level, { write: (line) => void lines.push(line) });
  app.use(
    createRequestWatch({
      clock: systemClock,
      observers: [createRequestLog({ log, clock: systemClock }).observe],
    }),
  );
  app.get('/good', (_req, res) => void res.send('good'));
  app.post('/bad', (_req, res) => void res.status(400).send('bad'));
  return { app, lines };
}

describe('a request', () => {
  it('has an id of its own, in the answer and in its line of the log, whatever the client sends', async () => {
    const { app, lines } = start('info');
    const answers = await Promise.all(
      [1, 2].map(() => supertest(app).post('/bad').set('X-Request-Id', 'forged\u00e9')),
    );
    const ids = answers.map(({ headers }) => headers['x-request-id'] as string);
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-7/);
    expect(lines.map((line) => (JSON.parse(line) as { requestId: string }).requestId).sort()).toEqual(
      ids.sort(),
    );
  });

  it('leaves a line when it was refused, and otherwise only for whom debugs', async () => {
    for (const [level, count] of [
      ['info', 1],
      ['debug', 2],
      ['warn', 0],
    ] as const) {
      const { app, lines } = start(level);
      await supertest(app).get('/good');
      await supertest(app).post('/bad');
      expect(lines, level).toHaveLength(count);
    }
  });

  it('leaves no query, header or body there', async () => {
    const { app, lines } = start('debug');
    await supertest(app)
      .post('/bad?token=hunter2')
      .set({ Cookie: 'curfew=hunter2', Authorization: 'Bearer hunter2' })
      .send({ password: 'hunter2' });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('"path":"/bad"');
    expect(lines[0]).not.toContain('hunter2');
  });

  it('cannot write a line of its own into the log', async () => {
    const { app, lines } = start('info');
    await supertest(app).get('/x%0a{"level":"info"}%1b[31m');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.trimEnd()).not.toMatch(/[^\x20-\x7e]/);
  });
});
