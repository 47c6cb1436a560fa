import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import helmet from 'helmet';
import { type HeaderSettings, USUAL_HEADERS } from './header-settings.ts';

/** Where browsers report what they blocked. */
export const CSP_REPORTS_PATH = '/csp-reports';

const ONE_YEAR_SECONDS = 31_536_000;
/** Name of the address in Reporting-Endpoints, which report-to refers to. */
const REPORT_GROUP = 'csp';

export interface SecurityHeadersOptions {
  /** BASE_URL: scheme, host and port, without a slash at the end. */
  readonly baseUrl: string;
  readonly https: boolean;
  /** Where a form of ours may lead: browsers hold redirects after a POST to form-action, and a broker's login is such a one. */
  readonly formTargets: readonly string[];
  readonly settings?: HeaderSettings;
}

/** ASVS 3.4: no inline script or style at all, so no nonces; nothing from elsewhere, nothing framed; breaches reported. */
export function createSecurityHeaders({
  baseUrl,
  https,
  formTargets,
  settings = USUAL_HEADERS,
}: SecurityHeadersOptions): RequestHandler {
  const { cspMode, coop, corp, referrerPolicy, permissionsPolicy, hsts } = settings;
  const ofHelmet = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      reportOnly: cspMode === 'report',
      directives: {
        ...extended(ownDirectives(formTargets), settings.cspExtra),
        ...(https ? { 'upgrade-insecure-requests': [] } : {}),
        'report-uri': [CSP_REPORTS_PATH],
        // Only over TLS: there the newer way works. A browser that knows it ignores report-uri where both are named.
        ...(https ? { 'report-to': [REPORT_GROUP] } : {}),
      },
    },
    strictTransportSecurity: https
      ? { maxAge: ONE_YEAR_SECONDS, includeSubDomains: hsts !== 'host', preload: hsts === 'preload' }
      : false,
    // helmet knows fewer values than there are, so this one is set below.
    crossOriginOpenerPolicy: false,
    crossOriginResourcePolicy: { policy: corp },
    referrerPolicy: { policy: referrerPolicy },
    xFrameOptions: { action: 'deny' },
  });
  const headers = Object.entries({
    ...headersOf(ofHelmet),
    'Cross-Origin-Opener-Policy': coop,
    'Permissions-Policy': permissionsPolicy,
    ...(https ? { 'Reporting-Endpoints': `${REPORT_GROUP}="${baseUrl}${CSP_REPORTS_PATH}"` } : {}),
  });
  return function securityHeaders(_req, res, next) {
    for (const [name, value] of headers) res.setHeader(name, value);
    next();
  };
}

/** Helmet's headers, which are the same for every request: so it is asked once. */
function headersOf(middleware: ReturnType<typeof helmet>): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  const response = {
    setHeader(name: string, value: string) {
      headers[name] = value;
    },
    removeHeader: () => undefined,
  };
  middleware({} as IncomingMessage, response as unknown as ServerResponse, (error) => {
    if (error !== undefined) throw error;
  });
  return headers;
}

function ownDirectives(formTargets: readonly string[]): Readonly<Record<string, readonly string[]>> {
  return {
    'default-src': ["'none'"],
    'script-src': ["'self'"],
    'style-src': ["'self'"],
    'img-src': ["'self'"],
    'connect-src': ["'self'"],
    'manifest-src': ["'self'"],
    'form-action': ["'self'", ...formTargets],
    'base-uri': ["'none'"],
    'object-src': ["'none'"],
    'frame-ancestors': ["'none'"],
  };
}

/** With the operator's sources, each once. */
function extended(
  own: Readonly<Record<string, readonly string[]>>,
  extra: HeaderSettings['cspExtra'],
): Record<string, readonly string[]> {
  const all: Record<string, readonly string[]> = { ...own };
  for (const [directive, sources] of extra)
    all[directive] = [...new Set([...(own[directive] ?? []), ...sources])];
  return all;
}
