import { CSP_DIRECTIVES, type CspDirective } from './csp-report.ts';

const SCRIPT = 'A script was kept from running.';
const STYLE = 'A style was kept from the page.';

/** Effects, without the names of directives. */
const PREVENTED: Readonly<Record<CspDirective, string>> = {
  'script-src': SCRIPT,
  'script-src-elem': SCRIPT,
  'script-src-attr': 'A script in an attribute of the page was kept from running.',
  'style-src': STYLE,
  'style-src-elem': STYLE,
  'style-src-attr': 'A style in an attribute of the page was ignored.',
  'img-src': 'A picture was not loaded.',
  'font-src': 'A font was not loaded.',
  'connect-src': 'A script was kept from talking to an address.',
  'manifest-src': 'A manifest was not loaded.',
  'media-src': 'Sound or video was not loaded.',
  'worker-src': 'A worker was not started.',
  'frame-src': 'A page within the page was not loaded.',
  'object-src': 'A plug-in was not loaded.',
  'form-action': 'A form was kept from being sent, or from leading on, to an address.',
  'frame-ancestors': 'Another page was kept from showing this one inside of it.',
  'base-uri': 'The page was kept from changing what its addresses are relative to.',
};

const EXTENSION = /^(?:moz|chrome|safari-web|safari|ms-browser)-extension$/;

export interface ReportWords {
  readonly prevented: string;
  readonly likely: string;
}

/** A report in plain words, and its most likely cause. */
export function explainReport(directive: string, blocked: string): ReportWords {
  const known = CSP_DIRECTIVES.find((each) => each === directive);
  return {
    prevented: known === undefined ? 'Something was prevented.' : PREVENTED[known],
    likely: likelyCause(directive, blocked),
  };
}

function likelyCause(directive: string, blocked: string): string {
  if (EXTENSION.test(blocked)) return 'A browser extension. Nothing to do.';
  if (blocked === 'inline' || blocked === 'eval' || blocked === 'wasm-eval')
    return 'Usually a browser extension; Curfew’s pages have no such code. If many browsers report it on one page, text may have been injected into that page as code.';
  if (blocked === 'data' || blocked === 'blob') return 'Usually a browser extension.';
  if (directive === 'form-action')
    return 'A broker’s sign-in that leads on to another address, or a form that was tampered with.';
  if (directive === 'frame-ancestors')
    return 'A site that shows Curfew in a frame, which is how clicks are stolen.';
  if (/^(?:https?|wss?):/.test(blocked))
    return 'An extension, a proxy that changes pages, or something that you added and did not allow in CSP_EXTRA.';
  return 'Unknown.';
}
