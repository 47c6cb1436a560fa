import express from 'express';
import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import { type HeaderSettings, USUAL_HEADERS } from '../../src/http/header-settings.ts';
import { createSecurityHeaders } from '../../src/http/security-headers.ts';

async function headersOf(options: {
  https: boolean;
  formTargets?: readonly string[];
  settings?: Partial<HeaderSettings>;
}) {
  const app = express();
  const settings = { ...USUAL_HEADERS, ...options.settings };
  app.use(
    createSecurityHeaders({ formTargets: [], baseUrl: 'https://curfew.example', ...options, settings }),
  );
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
      'cross-origin-resource-policy': 'same-origin',
      'strict-transport-security': 'max-age=31536000',
      'permissions-policy': expect.stringContaining('camera=()'),
    });
  });

  it('have breaches reported, over TLS in the newer way as well', async () => {
    const [https, http] = await Promise.all([headersOf({ https: true }), headersOf({ https: false })]);
    expect(directives(https['content-security-policy'])).toMatchObject({
      'report-uri': '/csp-reports',
      'report-to': 'csp',
    });
    expect(https['reporting-endpoints']).toBe('csp="https://curfew.example/csp-reports"');
    // A browser that finds report-to uses nothing else, and over http it does not take the header.
    expect(directives(http['content-security-policy'])).toMatchObject({ 'report-uri': '/csp-reports' });
    expect(http['content-security-policy']).not.toContain('report-to');
    expect(http['reporting-endpoints']).toBeUndefined();
  });

  it('can be made to report and not to block', async () => {
    const headers = await headersOf({ https: true, settings: { cspMode: 'report' } });
    expect(headers['content-security-policy']).toBeUndefined();
    expect(headers['content-security-policy-report-only']).toContain("default-src 'none'");
    expect(headers['x-frame-options']).toBe('DENY');
  });

  it('take sources beside their own, without losing those', async () => {
    const cspExtra = new Map([
      ['img-src', ['https://logo.example']],
      ['font-src', ["'self'", 'data:']],
      ['form-action', ['https://broker.example', 'https://other.example']],
    ]);
    const formTargets = ['https://broker.example'];
    const headers = await headersOf({ https: true, formTargets, settings: { cspExtra } });
    expect(directives(headers['content-security-policy'])).toMatchObject({
      'img-src': "'self' https://logo.example",
      'font-src': "'self' data:",
      'form-action': "'self' https://broker.example https://other.example",
      'script-src': "'self'",
    });
  });

  it('are what the operator says, where there is a choice', async () => {
    const settings = {
      coop: 'same-origin-allow-popups',
      corp: 'same-site',
      referrerPolicy: 'strict-origin',
      permissionsPolicy: 'camera=(self)',
      hsts: 'preload',
    } as const;
    expect(await headersOf({ https: true, settings })).toMatchObject({
      'cross-origin-opener-policy': 'same-origin-allow-popups',
      'cross-origin-resource-policy': 'same-site',
      'referrer-policy': 'strict-origin',
      'permissions-policy': 'camera=(self)',
      'strict-transport-security': 'max-age=31536000; includeSubDomains; preload',
    });
    expect(await headersOf({ https: true, settings: { hsts: 'subdomains' } })).toMatchObject({
      'strict-transport-security': 'max-age=31536000; includeSubDomains',
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
