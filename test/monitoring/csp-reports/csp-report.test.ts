import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CSP_DIRECTIVES, readCspReports } from '../../../src/monitoring/csp-reports/csp-report.ts';
import { explainReport } from '../../../src/monitoring/csp-reports/reports-page.ts';

const OWN = 'https://curfew.example.com';
const old = (fields: Readonly<Record<string, unknown>>) =>
  readCspReports(
    { 'csp-report': { 'document-uri': `${OWN}/dashboard`, 'effective-directive': 'img-src', ...fields } },
    OWN,
  );

describe('a report of a browser', () => {
  test('is read in the form of report-uri and in that of report-to', () => {
    const expected = [
      { directive: 'script-src-elem', blocked: 'https://evil.example/x.js', document: '/dashboard' },
    ];
    expect(
      old({ 'effective-directive': 'script-src-elem', 'blocked-uri': 'https://evil.example/x.js' }),
    ).toEqual(expected);
    const body = {
      documentURL: `${OWN}/dashboard?a=1`,
      effectiveDirective: 'script-src-elem',
      blockedURL: 'https://evil.example/x.js?y#z',
      sample: 'alert(1)',
    };
    expect(
      readCspReports(
        [
          { type: 'csp-violation', body },
          { type: 'deprecation', body: {} },
        ],
        OWN,
      ),
    ).toEqual(expected);
  });

  test('takes the old name of the directive, with its sources behind it', () => {
    expect(old({ 'effective-directive': undefined, 'violated-directive': "style-src 'self'" })).toMatchObject(
      [{ directive: 'style-src' }],
    );
  });

  test.each([
    ['https://a.example/path?token=secret#x', 'https://a.example/path'],
    ['https://user:secret@a.example:8443/', 'https://a.example:8443/'],
    [`${OWN}/api/v1/webhooks/abcdef`, `${OWN}/api/v1/webhooks/…`],
    [`${OWN}/x/cfw_secret`, `${OWN}/x/cfw_…`],
    ['inline', 'inline'],
    ['eval', 'eval'],
    ['data', 'data'],
    ['data:text/html,secret', 'data'],
    ['chrome-extension://abcdef/secret.js', 'chrome-extension'],
    ['', 'unknown'],
    ['secret words', 'unknown'],
  ])('of %j keeps %j', (blocked, kept) => {
    expect(old({ 'blocked-uri': blocked })).toMatchObject([{ blocked: kept }]);
  });

  test('keeps of a page its path as a log may have it, and of another site’s nothing', () => {
    expect(old({ 'document-uri': `${OWN}/strategies?x=secret` })).toMatchObject([
      { document: '/strategies' },
    ]);
    expect(old({ 'document-uri': `${OWN}/x/cfw_secret` })).toMatchObject([{ document: '/x/cfw_…' }]);
    for (const document of ['https://elsewhere.example/', 'about:blank', 'nothing', ''])
      expect(old({ 'document-uri': document })).toEqual([]);
  });

  test('can say anything, and is short and of a known kind afterwards', () => {
    fc.assert(
      fc.property(fc.anything(), (body) => readCspReports(body, OWN).length === 0),
      { numRuns: 200 },
    );
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.webPath(), (directive, blocked, path) => {
        for (const report of old({
          'effective-directive': directive,
          'blocked-uri': blocked,
          'document-uri': OWN + path,
        })) {
          expect(report.blocked.length).toBeLessThanOrEqual(200);
          expect(report.document.length).toBeLessThanOrEqual(200);
          expect([...CSP_DIRECTIVES, 'other']).toContain(report.directive);
        }
      }),
    );
    const many = Array.from({ length: 500 }, () => ({
      type: 'csp-violation',
      body: { documentURL: `${OWN}/`, effectiveDirective: 'img-src', blockedURL: 'inline' },
    }));
    expect(readCspReports(many, OWN)).toHaveLength(20);
    expect(old({ 'blocked-uri': 'x'.repeat(5000) })).toEqual([]);
  });

  test('is explained in words, whatever it is of', () => {
    for (const directive of [...CSP_DIRECTIVES, 'other'])
      for (const blocked of ['inline', 'data', 'moz-extension', 'https://a.example/', 'unknown']) {
        const { prevented, likely } = explainReport(directive, blocked);
        expect(prevented).toMatch(/^[A-Z].*\.$/);
        expect(likely).toMatch(/^[A-Z].*\.$/);
      }
    expect(explainReport('script-src', 'moz-extension').likely).toContain('Nothing to do');
  });
});
