import { LATENCY_BOUNDS_MS } from './latency-histogram.ts';

/** What rings: answers that take too long, are refused or fail too often; the process stands still; the log loses rows. */
export type AlarmSort = 'slow' | 'refused' | 'failed' | 'event_loop' | 'rows_dropped';

/** Who asked most. The address as TRAFFIC_LOG_ADDRESSES has it; requests are a lower bound. */
export interface BusyAddress {
  readonly address: string;
  readonly requests: number;
  /** Whether the address is there as it is, and none that nobody may ban. */
  readonly bannable: boolean;
}

/** What is compared: milliseconds, shares from 0 to 1, or a count, as the sort says. */
export interface AlarmFigures {
  /** As `alarmCause` makes it. */
  readonly what: string;
  readonly figure: number;
  /** Where normal ends. */
  readonly normal: number;
}

/** The name of a cause: there is one alarm of each at a time. `routeClass` where the sort is counted by classes. */
export function alarmCause(sort: AlarmSort, routeClass?: string): string {
  return routeClass === undefined ? sort : `${sort}:${routeClass}`;
}

/** The classes of routes, as people call them. */
const CLASS_WORDS: Readonly<Record<string, string>> = {
  guarded: 'Pages of signed-in people',
  form: 'Signing in',
  api: 'API and webhooks',
  poll: 'What open pages ask by themselves',
  callback: 'Ways back from brokers',
  public: 'The first page',
  static: 'Styles, scripts and pictures',
  probe: 'Figures for monitoring',
};

export function routeClassWords(routeClass: string): string {
  return CLASS_WORDS[routeClass] ?? routeClass;
}

/** `API and webhooks: many answers are slow`, for a heading. What this version does not know is named as it is. */
export function alarmHeading(what: string): string {
  const [sort = '', routeClass = ''] = what.split(':');
  const words = routeClassWords(routeClass);
  switch (sort) {
    case 'slow':
      return `${words}: slow answers`;
    case 'refused':
      return `${words}: many requests are refused`;
    case 'failed':
      return `${words}: requests fail`;
    case 'event_loop':
      return 'The server process stands still';
    case 'rows_dropped':
      return 'The traffic log loses rows';
    default:
      return what;
  }
}

/** What was measured and what is normal, in one sentence. */
export function alarmSentence({ what, figure, normal }: AlarmFigures): string {
  switch (what.split(':')[0]) {
    case 'slow':
      return `One answer in a hundred takes ${millisecondWords(figure)}; normal is up to ${millisecondWords(normal)}.`;
    case 'refused':
      return `${percentWords(figure)} of the requests are refused (4xx); normal is up to ${percentWords(normal)}.`;
    case 'failed':
      return `${percentWords(figure)} of the requests fail (5xx); normal is up to ${percentWords(normal)}.`;
    case 'event_loop':
      return `One task in a hundred waits ${millisecondWords(figure)} for its turn; normal is up to ${millisecondWords(normal)}.`;
    case 'rows_dropped':
      return `${figure.toLocaleString('en-IN')} requests of the last five minutes have no row; normal is none.`;
    default:
      return `It is at ${figure}; normal is up to ${normal}.`;
  }
}

const LONGEST_MS = LATENCY_BOUNDS_MS[LATENCY_BOUNDS_MS.length - 1] ?? 0;

/** `7 ms`, `1.25 s`; what lies beyond the last bound of the histogram is `2.5 s or more`. */
export function millisecondWords(ms: number): string {
  if (ms >= LONGEST_MS) return `${LONGEST_MS / 1000} s or more`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`;
}

/** `0 %`, `0.4 %`, `37 %`. */
export function percentWords(share: number): string {
  const percent = share * 100;
  return `${percent > 0 && percent < 10 ? Number(percent.toFixed(1)) : Math.round(percent)} %`;
}
