import { z } from 'zod';
import { oneOf, readBy, setting, shown } from './setting-schema.ts';

const CSP_MODES = ['enforce', 'report'] as const;
export type CspMode = (typeof CSP_MODES)[number];

const COOPS = ['same-origin', 'same-origin-allow-popups', 'noopener-allow-popups', 'unsafe-none'] as const;
const CORPS = ['same-origin', 'same-site', 'cross-origin'] as const;

/**
 * With `no-referrer` browsers send forms with `Origin: null` (Fetch, 3.2), which the check of where a form comes from
 * refuses; the rest tell other sites, or unencrypted ones, which page a user was on.
 */
const REFERRER_POLICIES = ['same-origin', 'strict-origin', 'strict-origin-when-cross-origin'] as const;

/** Which hosts HSTS covers: this one; its subdomains too; and with the permission to ship that in browsers (hstspreload.org). */
const HSTS_REACHES = ['host', 'subdomains', 'preload'] as const;

/** Which directives may be given more than they have. What holds frames, plugins and the base address is not among them. */
const EXTENSIBLE = [
  'script-src',
  'style-src',
  'img-src',
  'font-src',
  'connect-src',
  'manifest-src',
  'media-src',
  'worker-src',
  'frame-src',
  'form-action',
] as const;

/** `img-src https://logo.example.com; font-src https://fonts.example.com`, by directive. Empty: none. */
const cspExtra = z.string().transform((text, context): ReadonlyMap<string, readonly string[]> => {
  const extra = new Map<string, readonly string[]>();
  for (const part of text.split(';').map((each) => each.trim())) {
    if (part === '') continue;
    const [directive = '', ...sources] = part.split(/\s+/);
    const problem = problemOfDirective(directive, sources, extra);
    if (problem !== undefined) context.addIssue(problem);
    extra.set(directive, sources);
  }
  return extra;
});

function problemOfDirective(
  directive: string,
  sources: readonly string[],
  before: ReadonlyMap<string, unknown>,
): string | undefined {
  if (!EXTENSIBLE.some((known) => known === directive))
    return `names ${shown(directive)}, which is none of ${EXTENSIBLE.join(', ')}`;
  if (before.has(directive)) return `names ${directive} twice`;
  if (sources.length === 0) return `has no source behind ${directive}`;
  const bad = sources.find((source) => !isSource(directive, source));
  return bad === undefined
    ? undefined
    : `has ${shown(bad)} behind ${directive}: a source is an origin such as https://cdn.example.com, a hash of a script or style, or data: for pictures and fonts; never 'unsafe-inline', a bare scheme or *`;
}

const ORIGIN_SOURCE =
  /^(?:https|wss):\/\/(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d{1,5})?(?:\/[\w./~%-]*)?$/i;
const HASH_SOURCE = /^'sha(?:256|384|512)-[A-Za-z0-9+/_-]{43,}={0,2}'$/;

function isSource(directive: string, source: string): boolean {
  if (ORIGIN_SOURCE.test(source)) return true;
  if (HASH_SOURCE.test(source)) return directive === 'script-src' || directive === 'style-src';
  if (source === 'data:') return directive === 'img-src' || directive === 'font-src';
  return source === "'self'";
}

const PERMISSION = /^[a-z][a-z-]*=(?:\*|\((?:\s*(?:self|"https:\/\/[a-z0-9.*:-]+"))*\s*\))$/i;

/** A list of `feature=()`, `feature=(self)` or `feature=(self "https://a.example")`. */
const permissionsPolicy = readBy(
  (text) => (badPermission(text) === undefined ? text : undefined),
  (text) =>
    `has ${shown(badPermission(text) ?? '')}, which is not feature=(), feature=(self) or feature=("https://…")`,
);

const badPermission = (text: string): string | undefined =>
  text
    .split(',')
    .map((part) => part.trim())
    .find((part) => !PERMISSION.test(part));

const lower = (text: string): string => text.toLowerCase();

/** Settings of the headers that every answer has. The defaults are as strict as they come. */
export const HEADER_SETTINGS = {
  CSP_MODE: setting(oneOf(CSP_MODES, lower), 'enforce'),
  CSP_EXTRA: setting(cspExtra, '', 'img-src https://pictures.example.com'),
  COOP: setting(oneOf(COOPS, lower), 'same-origin'),
  CORP: setting(oneOf(CORPS, lower), 'same-origin'),
  REFERRER_POLICY: setting(oneOf(REFERRER_POLICIES, lower), 'same-origin'),
  PERMISSIONS_POLICY: setting(
    permissionsPolicy,
    'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  ),
  HSTS: setting(oneOf(HSTS_REACHES, lower), 'host'),
};

export type HeaderSettings = ReturnType<typeof toHeaderSettings>;

export function toHeaderSettings(settings: z.output<z.ZodObject<typeof HEADER_SETTINGS>>) {
  return Object.freeze({
    /** `report`: browsers say what they would have blocked, and block nothing. */
    cspMode: settings.CSP_MODE,
    /** Sources beside Curfew's own, by directive. */
    cspExtra: settings.CSP_EXTRA,
    coop: settings.COOP,
    corp: settings.CORP,
    referrerPolicy: settings.REFERRER_POLICY,
    permissionsPolicy: settings.PERMISSIONS_POLICY,
    hsts: settings.HSTS,
  });
}

export const USUAL_HEADERS: HeaderSettings = toHeaderSettings(z.object(HEADER_SETTINGS).parse({}));
