import { z } from 'zod';
import { loggedPath } from '../../http/logged-path.ts';

/** Something that a browser has blocked, or would have, and on which page. */
export interface CspReport {
  readonly directive: CspDirective | 'other';
  /** An origin and a path without its query, or a word: `inline`, `eval`, `data`, `blob`. */
  readonly blocked: string;
  /** The path of a page of ours, as it may stand in a log. */
  readonly document: string;
}

/** Those that a report about our policy can be of (Content Security Policy Level 3, 6). */
export const CSP_DIRECTIVES = [
  'script-src',
  'script-src-elem',
  'script-src-attr',
  'style-src',
  'style-src-elem',
  'style-src-attr',
  'img-src',
  'font-src',
  'connect-src',
  'manifest-src',
  'media-src',
  'worker-src',
  'frame-src',
  'object-src',
  'form-action',
  'frame-ancestors',
  'base-uri',
] as const;
export type CspDirective = (typeof CSP_DIRECTIVES)[number];

const LONGEST = 200;
/** Of one request: a browser sends what has gathered in a minute. */
const MOST_AT_ONCE = 20;

const text = z.string().max(4000);

/** `application/csp-report`: what report-uri gets. */
const oldForm = z.object({
  'csp-report': z.object({
    'document-uri': text,
    'violated-directive': text.optional(),
    'effective-directive': text.optional(),
    'blocked-uri': text.optional(),
  }),
});

/** `application/reports+json`: what report-to gets, other sorts of reports among it (Reporting API). */
const newForm = z.array(
  z.object({
    type: z.string(),
    body: z.object({
      documentURL: text.optional(),
      effectiveDirective: text.optional(),
      blockedURL: text.nullish(),
    }),
  }),
);

/**
 * Reads a parsed body of either form. Of what it says only what a page of ours can have caused is taken, with no query and no
 * more than some letters of it: anyone can send anything here. Empty where nothing is left.
 */
export function readCspReports(body: unknown, ownOrigin: string): readonly CspReport[] {
  return statementsOf(body).flatMap(({ document, directive, blocked }) => {
    const page = ownPath(document, ownOrigin);
    return page === undefined
      ? []
      : [{ directive: knownDirective(directive), blocked: shortened(blocked), document: page }];
  });
}

interface Statement {
  readonly document: string;
  readonly directive: string;
  readonly blocked: string;
}

function statementsOf(body: unknown): readonly Statement[] {
  const old = oldForm.safeParse(body);
  if (old.success) {
    const report = old.data['csp-report'];
    const directive = report['effective-directive'] ?? report['violated-directive'] ?? '';
    return [{ document: report['document-uri'], directive, blocked: report['blocked-uri'] ?? '' }];
  }
  const many = newForm.safeParse(Array.isArray(body) ? body.slice(0, MOST_AT_ONCE) : body);
  if (!many.success) return [];
  return many.data
    .filter(({ type }) => type === 'csp-violation')
    .map(({ body: { documentURL, effectiveDirective, blockedURL } }) => ({
      document: documentURL ?? '',
      directive: effectiveDirective ?? '',
      blocked: blockedURL ?? '',
    }));
}

function ownPath(document: string, ownOrigin: string): string | undefined {
  const url = URL.parse(document);
  return url === null || url.origin !== ownOrigin ? undefined : shown(loggedPath(url.pathname));
}

/** The old name of the field has the whole directive in it: `img-src 'self'`. */
function knownDirective(text: string): CspReport['directive'] {
  const [name] = text.trim().split(/\s/);
  return CSP_DIRECTIVES.find((known) => known === name) ?? 'other';
}

const WORDS: ReadonlySet<string> = new Set(['inline', 'eval', 'wasm-eval', 'self', 'data', 'blob', 'about']);

/** Without query and fragment, in which other sites' secrets may stand; of anything but a web address no more than its scheme. */
function shortened(blocked: string): string {
  if (WORDS.has(blocked)) return blocked;
  const url = URL.parse(blocked);
  if (url === null) return 'unknown';
  const isOfTheWeb = ['http:', 'https:', 'ws:', 'wss:'].includes(url.protocol);
  return isOfTheWeb
    ? shown(`${url.protocol}//${url.host}${loggedPath(url.pathname)}`)
    : shown(url.protocol.replace(':', ''));
}

const shown = (words: string): string => words.replaceAll(/\p{C}/gu, '?').slice(0, LONGEST);
