import type { RequestHandler } from 'express';
import helmet from 'helmet';

const ONE_YEAR_SECONDS = 31_536_000;

export interface SecurityHeadersOptions {
  readonly https: boolean;
  /** Where a form of ours may lead: browsers hold redirects after a POST to form-action, and a broker's login is such a one. */
  readonly formTargets: readonly string[];
}

/** ASVS 3.4: no inline script or style at all, so no nonces; nothing from elsewhere, nothing framed. */
export function createSecurityHeaders({
  https,
  formTargets,
}: SecurityHeadersOptions): readonly RequestHandler[] {
  const headers = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
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
        ...(https ? { 'upgrade-insecure-requests': [] } : {}),
      },
    },
    strictTransportSecurity: https ? { maxAge: ONE_YEAR_SECONDS, includeSubDomains: false } : false,
    referrerPolicy: { policy: 'same-origin' },
    xFrameOptions: { action: 'deny' },
  });
  return [headers, permissionsPolicy];
}

function permissionsPolicy(...[, res, next]: Parameters<RequestHandler>): void {
  res.setHeader('Permissions-Policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()');
  next();
}
