import express from 'express';
import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import { createProbes, type ReadinessCheck } from '../../src/http/probes.ts';

const good = (name: string): ReadinessCheck => ({ name, check: () => Promise.resolve() });

function probe(path: string, checks: readonly ReadinessCheck[]) {
  const app = express();
  app.use(createProbes(checks));
  return supertest(app).get(path);
}

describe('the probe of life', () => {
  it('answers whatever else is broken', async () => {
    const checks = [{ name: 'database', check: () => Promise.reject(new Error('down')) }];
    const { status, body } = await probe('/healthz', checks);
    expect({ status, body }).toEqual({ status: 200, body: { status: 'ok' } });
  });
});

describe('the probe of readiness', () => {
  it('is ready when every part is', async () => {
    const { status, body, headers } = await probe('/readyz', [good('database'), good('redis')]);
    expect(status).toBe(200);
    expect(body).toEqual({ status: 'ready', checks: { database: 'ok', redis: 'ok' } });
    expect(headers['cache-control']).toBe('no-store');
  });

  it('names the part that fails and keeps the reason for the log', async () => {
    const failing = { name: 'redis', check: () => Promise.reject(new Error('redis://:hunter2@cache')) };
    const { status, text, body } = await probe('/readyz', [good('database'), failing]);
    expect(status).toBe(503);
    expect(body).toEqual({ status: 'not_ready', checks: { database: 'ok', redis: 'failing' } });
    expect(text).not.toContain('hunter2');
  });

  it('does not wait for a part that hangs, nor fall when that fails later', async () => {
    const answer = Promise.withResolvers<void>();
    const hanging = { name: 'redis', check: () => answer.promise };
    const { status, body } = await probe('/readyz', [hanging, good('database')]);
    expect(status).toBe(503);
    expect(body).toEqual({ status: 'not_ready', checks: { redis: 'failing', database: 'ok' } });
    // Nobody waits for it any more: unhandled, this would end the process.
    answer.reject(new Error('late'));
    await new Promise((resolve) => setTimeout(resolve, 10));
  });

  it('counts a part that throws at once as failing', async () => {
    const throwing = {
      name: 'database',
      check: () => {
        throw new Error('no database');
      },
    };
    const { status, body } = await probe('/readyz', [throwing]);
    expect({ status, body }).toEqual({
      status: 503,
      body: { status: 'not_ready', checks: { database: 'failing' } },
    });
  });
});
