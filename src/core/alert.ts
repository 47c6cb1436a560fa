import { describeDuration } from './duration.ts';
import { LATENCY_BOUNDS_MS } from './latency-histogram.ts';

/** Causes of an alert. The first three are counted for each class of routes. */
export type AlertKind = 'slow' | 'refused' | 'failed' | 'event_loop' | 'rows_dropped' | 'revocation';

/** Above which figure an alert is raised. Administrators change them at /security/thresholds. */
export interface AlertThresholds {
  /** For one answer in a hundred, of those to several addresses. One of LATENCY_BOUNDS_MS: slow answers are counted in its buckets. */
  readonly slowMs: number;
  /** Of all requests, those that fail (5xx). */
  readonly failedPercent: number;
  /** Of the requests of people and programs that are signed in, those that are refused (4xx). */
  readonly refusedPercent: number;
  /** From so many addresses slow answers and refusals must come: one alone is the client's trouble or doing. */
  readonly addresses: number;
  readonly eventLoopMs: number;
  /** Requests without a row in the traffic log, in 15 seconds. */
  readonly droppedRows: number;
  /** How long the oldest revocation may be pending. */
  readonly revocationMinutes: number;
}

export const DEFAULT_ALERT_THRESHOLDS: AlertThresholds = {
  slowMs: 1000,
  failedPercent: 5,
  refusedPercent: 50,
  addresses: 3,
  eventLoopMs: 100,
  droppedRows: 0,
  revocationMinutes: 2,
};

/** The address as TRAFFIC_LOG_ADDRESSES has it; requests are a lower bound. */
export interface BusyAddress {
  readonly address: string;
  readonly requests: number;
  /** Whether the address is whole and not protected from bans. */
  readonly bannable: boolean;
}

/** Figures to compare: milliseconds, shares from 0 to 1, or a count, depending on the kind. */
export interface AlertFigures {
  /** As `alertCause` makes it. */
  readonly what: string;
  readonly figure: number;
  readonly threshold: number;
}

/** The name of a cause: there is one alert of each at a time. */
export function alertCause(kind: AlertKind, routeClass?: string): string {
  return routeClass === undefined ? kind : `${kind}:${routeClass}`;
}

const CLASS_LABELS: Readonly<Record<string, string>> = {
  guarded: 'Pages behind sign-in',
  form: 'Sign-in and setup',
  api: 'API and webhooks',
  poll: 'Background requests of open pages',
  callback: 'Returns from brokers',
  public: 'Pages for anyone',
  static: 'Styles, scripts and images',
  probe: 'Metrics',
};

export function routeClassLabel(routeClass: string): string {
  return CLASS_LABELS[routeClass] ?? routeClass;
}

/** `API and webhooks: slow answers`, for a heading. A cause that this version does not know is named as it is. */
export function alertHeading(what: string): string {
  const [kind = '', routeClass = ''] = what.split(':');
  const label = routeClassLabel(routeClass);
  switch (kind) {
    case 'slow':
      return `${label}: slow answers`;
    case 'refused':
      return `${label}: many requests are refused`;
    case 'failed':
      return `${label}: requests fail`;
    case 'event_loop':
      return 'Event loop blocked';
    case 'rows_dropped':
      return 'The traffic log loses rows';
    case 'revocation':
      return 'A revocation is pending';
    default:
      return what;
  }
}

/** Heading and sentence in one line. */
export const alertLine = (alert: AlertFigures): string =>
  `${alertHeading(alert.what)}. ${alertSentence(alert)}`;

/** The figure and its threshold, in words. */
export function alertSentence({ what, figure, threshold }: AlertFigures): string {
  switch (what.split(':')[0]) {
    case 'slow':
      return `One answer in a hundred takes ${formatMs(figure)}. Threshold: ${formatMs(threshold)}.`;
    case 'refused':
      return `${formatShare(figure)} of the requests of signed-in people and programs are refused (4xx). Threshold: ${formatShare(threshold)}.`;
    case 'failed':
      return `${formatShare(figure)} of the requests fail (5xx). Threshold: ${formatShare(threshold)}.`;
    case 'event_loop':
      return `One task in a hundred waits ${formatMs(figure)}. Threshold: ${formatMs(threshold)}.`;
    case 'rows_dropped':
      return `${figure.toLocaleString('en-IN')} requests in 15 seconds have no row. Threshold: ${threshold.toLocaleString('en-IN')}.`;
    case 'revocation':
      return `The oldest has waited for ${describeDuration(figure)}. Threshold: ${describeDuration(threshold)}.`;
    default:
      return `Figure: ${figure}. Threshold: ${threshold}.`;
  }
}

const LONGEST_MS = LATENCY_BOUNDS_MS[LATENCY_BOUNDS_MS.length - 1] ?? 0;

/** `7 ms`, `1.25 s`; what lies beyond the last bound of the histogram is `2.5 s or more`. */
export function formatMs(ms: number): string {
  if (ms >= LONGEST_MS) return `${LONGEST_MS / 1000} s or more`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`;
}

/** `0 %`, `0.4 %`, `37 %`. */
function formatShare(share: number): string {
  const percent = share * 100;
  return `${percent > 0 && percent < 10 ? Number(percent.toFixed(1)) : Math.round(percent)} %`;
}
