import express from 'express';
import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import { createSecurityHeaders } from '../../src/http/security-headers.ts';

async function headersOf(options: { https: boolean; formTargets?: readonly string[] }) {
  const app = express();
  app.use(...createSecurityHeaders({ formTargets: [], ...options }));
  app.get('/', (_req, res) => void res.send('page'));
  return (await supertest(app).get('/')).headers as Record<string, string | undefined>;
}

function directives(policy = ''): Record<string, string> {
  return Object.fromEntries(policy.split(';').map((part) => part.trim().split(/ (.*)/s).slice(0, 2)));
}

describe('the headers of every answer', () => {
  it('allow nothing inline, nothing from elsewhere, no frames and no plugins', async () => {
    const headers = await headersOf({ https: true });
    const policy = directives(headers['content-security-policy']);
    expect(policy).toMatchObject({
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': "'self'",
      'object-src': "'none'",
      'base-uri': "'none'",
      'frame-ancestors': "'none'",
      'form-action': "'self'",
    });
    expect(headers['content-security-policy']).not.toMatch(/unsafe|\*|data:|https?:/);
  });

  it('let a form lead to the brokers that are configured, and nowhere else', async () => {
    const headers = await headersOf({ https: true, formTargets: ['https://broker.example'] });
    expect(directives(headers['content-security-policy'])['form-action']).toBe(
      "'self' https://broker.example",
    );
  });

  it('hold the yardstick', async () => {
    expect(await headersOf({ https: true })).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
      'strict-transport-security': 'max-age=31536000',
      'permissions-policy': expect.stringContaining('camera=()'),
    });
  });

  it('ask for TLS only where there is some', async () => {
    const headers = await headersOf({ https: false });
    expect(headers['strict-transport-security']).toBeUndefined();
    expect(headers['content-security-policy']).not.toContain('upgrade-insecure-requests');
    expect((await headersOf({ https: true }))['content-security-policy']).toContain(
      'upgrade-insecure-requests',
    );
  });
});
