import { hrefWith } from '../../http/pager.ts';
import { isFullAddress } from './client-mark.ts';
import { LAST_SPANS, METHODS, QUESTION_NAMES, type TrafficQuestion } from './traffic-filter.ts';
import type { StoredTraffic, TrafficCursor } from './traffic-search-store.ts';

export const TRAFFIC = '/security/traffic';

/** An entry as the table shows it; public/traffic-tail.js gets the same. */
export interface TrafficRowView {
  /** Orders rows: `<at>.<id>`. */
  readonly place: string;
  readonly at: number;
  readonly href: string;
  readonly method: string;
  readonly path: string;
  readonly status: string;
  readonly tone: 'ok' | 'refused' | 'failed';
  readonly took: string;
  readonly who: string;
  readonly from: string;
}

export function toRowView(entry: StoredTraffic): TrafficRowView {
  const { at, method, path, requestId } = entry;
  return {
    place: toCursorText(entry),
    at,
    href: `${TRAFFIC}/${encodeURIComponent(requestId)}`,
    method,
    path,
    status: statusText(entry),
    tone: toneOf(entry.status),
    took: durationText(entry.durationMs),
    who: whoText(entry),
    from: entry.address ?? (entry.requests > 1 ? 'several, or not kept' : 'not kept'),
  };
}

/** An entry on a page of its own. */
export function toDetailView(entry: StoredTraffic) {
  const { address, userId, requestId } = entry;
  return {
    ...toRowView(entry),
    pattern: entry.pattern,
    routeClass: CLASS_WORDS[entry.routeClass] ?? entry.routeClass,
    aborted: entry.aborted,
    requests: entry.requests,
    bytes: `${entry.bytes.toLocaleString('en-IN')} bytes`,
    requestId,
    links: [
      {
        href: `/security/audit?request=${encodeURIComponent(requestId)}`,
        text: 'What the audit log says of it',
      },
      {
        href: trafficHref({ q: entry.pattern ?? entry.path }),
        text: 'Other requests to this route',
      },
      ...(userId === undefined
        ? []
        : [{ href: trafficHref({ user: entry.username ?? userId }), text: 'Other requests of this person' }]),
      ...(address === null ? [] : [{ href: trafficHref({ address }), text: 'Other requests from there' }]),
    ],
    banHref: isFullAddress(address) ? `/security/bans/new?${new URLSearchParams({ address })}` : undefined,
  };
}

/** The address of the page that answers a question, of `before` a cursor. */
export function trafficHref(
  question: Partial<TrafficQuestion>,
  before?: TrafficCursor,
  page = TRAFFIC,
): string {
  return hrefWith(page, {
    ...Object.fromEntries(QUESTION_NAMES.map((name) => [name, question[name]])),
    before: before === undefined ? undefined : toCursorText(before),
  });
}

export function readCursor(text: string): TrafficCursor | undefined {
  const [, at, id] = /^(\d{1,15})\.(\d{1,15})$/.exec(text) ?? [];
  return at === undefined ? undefined : { at: Number(at), id: Number(id) };
}

/** The answers that the form offers, with the chosen ones marked. */
export function formOptions({ last, method }: TrafficQuestion) {
  const spans = Object.keys(LAST_SPANS).map((value) => ({ value, label: SPAN_WORDS[value] ?? value }));
  return {
    last: mark([{ value: '', label: 'Any time' }, ...spans], last),
    method: mark([{ value: '', label: 'Any' }, ...METHODS.map((value) => ({ value, label: value }))], method),
  };
}

const SPAN_WORDS: Readonly<Record<string, string>> = {
  '15m': 'Last 15 minutes',
  '1h': 'Last hour',
  '24h': 'Last 24 hours',
  '7d': 'Last 7 days',
};

const CLASS_WORDS: Readonly<Record<string, string>> = {
  static: 'Static file',
  probe: 'Metrics',
  api: 'API',
  public: 'Page for anyone',
  form: 'Sign-in and setup',
  callback: 'Back from a broker',
  poll: 'Asked by a page’s script',
  guarded: 'Page for signed-in people',
};

const toCursorText = ({ at, id }: TrafficCursor): string => `${at}.${id}`;

function mark(options: readonly { readonly value: string; readonly label: string }[], chosen: string) {
  return options.map((option) => ({ ...option, chosen: option.value === chosen }));
}

function statusText({ status, aborted, requests }: StoredTraffic): string {
  if (requests > 1) return `${status} × ${requests.toLocaleString('en-IN')}`;
  return aborted ? 'went away' : String(status);
}

function toneOf(status: number): TrafficRowView['tone'] {
  if (status >= 500) return 'failed';
  return status >= 400 ? 'refused' : 'ok';
}

function durationText(ms: number): string {
  return ms < 10_000 ? `${ms.toLocaleString('en-IN')} ms` : `${(ms / 1000).toLocaleString('en-IN')} s`;
}

function whoText({ username, userId }: StoredTraffic): string {
  if (username !== undefined) return username;
  return userId === undefined ? 'not signed in' : `deleted account (${userId})`;
}
