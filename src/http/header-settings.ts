/** What an operator may change of the headers that every answer has. */
export interface HeaderSettings {
  /** `report`: browsers say what they would have blocked, and block nothing. */
  readonly cspMode: CspMode;
  /** Sources beside Curfew's own, by directive. */
  readonly cspExtra: ReadonlyMap<string, readonly string[]>;
  readonly coop: Coop;
  readonly corp: Corp;
  readonly referrerPolicy: ReferrerPolicy;
  readonly permissionsPolicy: string;
  readonly hsts: HstsReach;
}

export const CSP_MODES = ['enforce', 'report'] as const;
export type CspMode = (typeof CSP_MODES)[number];

export const COOPS = [
  'same-origin',
  'same-origin-allow-popups',
  'noopener-allow-popups',
  'unsafe-none',
] as const;
export type Coop = (typeof COOPS)[number];

export const CORPS = ['same-origin', 'same-site', 'cross-origin'] as const;
export type Corp = (typeof CORPS)[number];

/**
 * With `no-referrer` browsers send forms with `Origin: null` (Fetch, 3.2), which the check of where a form comes from
 * refuses; the rest would tell other sites, or unencrypted ones, which page somebody was on.
 */
export const REFERRER_POLICIES = ['same-origin', 'strict-origin', 'strict-origin-when-cross-origin'] as const;
export type ReferrerPolicy = (typeof REFERRER_POLICIES)[number];

/** Whom HSTS speaks for: this host; those below it too; and so that browsers may ship it (hstspreload.org). */
export const HSTS_REACHES = ['host', 'subdomains', 'preload'] as const;
export type HstsReach = (typeof HSTS_REACHES)[number];

export const USUAL_PERMISSIONS_POLICY = 'camera=(), geolocation=(), microphone=(), payment=(), usb=()';

/** As strict as they come. */
export const USUAL_HEADERS: HeaderSettings = {
  cspMode: 'enforce',
  cspExtra: new Map(),
  coop: 'same-origin',
  corp: 'same-origin',
  referrerPolicy: 'same-origin',
  permissionsPolicy: USUAL_PERMISSIONS_POLICY,
  hsts: 'host',
};

/** A value, or what is wrong with the text, in words that stand behind the setting's name. */
type Read<T> = { readonly value: T } | { readonly problem: string };

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

/** Reads CSP_EXTRA: `img-src https://logo.example.com; font-src https://fonts.example.com`. Empty: none. */
export function readCspExtra(text: string): Read<ReadonlyMap<string, readonly string[]>> {
  const extra = new Map<string, readonly string[]>();
  for (const part of text.split(';').map((each) => each.trim())) {
    if (part === '') continue;
    const [directive = '', ...sources] = part.split(/\s+/);
    const problem = problemOfDirective(directive, sources, extra);
    if (problem !== undefined) return { problem };
    extra.set(directive, sources);
  }
  return { value: extra };
}

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

/** Reads PERMISSIONS_POLICY: a list of `feature=()`, `feature=(self)` or `feature=(self "https://a.example")`. */
export function readPermissionsPolicy(text: string): Read<string> {
  const bad = text
    .split(',')
    .map((part) => part.trim())
    .find((part) => !PERMISSION.test(part));
  return bad === undefined
    ? { value: text }
    : { problem: `has ${shown(bad)}, which is not feature=(), feature=(self) or feature=("https://…")` };
}

/** One of a few words. */
export function readWord<T extends string>(words: readonly T[]): (text: string) => Read<T> {
  return (text) => {
    const word = words.find((known) => known === text.toLowerCase());
    return word === undefined
      ? { problem: `is ${shown(text)} and not one of ${words.join(', ')}` }
      : { value: word };
  };
}

const shown = (text: string): string => `"${text.replace(/[^\x20-\x7e]/g, '?').slice(0, 60)}"`;
