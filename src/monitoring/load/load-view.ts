import {
  alertHeading,
  alertSentence,
  type BusyAddress,
  formatMs,
  routeClassLabel,
} from '../../core/alert.ts';
import { describeDuration } from '../../core/duration.ts';
import { quantileMs } from '../../core/latency-histogram.ts';
import type { RouteClass } from '../../http/route-policy.ts';
import type { StoredAlert } from './alert-store.ts';
import type { ClassLoad } from './class-load.ts';
import type { LoopDelay } from './event-loop.ts';
import type { QueueDepth, QueueName } from './queue-depths.ts';

const NONE = '–';

export function toClassView(routeClass: RouteClass, load: ClassLoad) {
  const quantile = (q: number): string => {
    const ms = quantileMs(load.buckets, q);
    return ms === undefined ? NONE : formatMs(ms);
  };
  return {
    key: routeClass,
    name: routeClassLabel(routeClass),
    requests: numberWords(load.requests),
    p50: quantile(0.5),
    p95: quantile(0.95),
    p99: quantile(0.99),
    clientErrors: numberWords(load.clientErrors),
    notFound: numberWords(load.notFound),
    serverErrors: numberWords(load.serverErrors),
  };
}

export function toDelayView(delay: LoopDelay | undefined) {
  if (delay === undefined) return undefined;
  const { p50Ms, p99Ms, longestMs } = delay;
  return {
    p50: formatMs(p50Ms),
    p99: formatMs(p99Ms),
    longest: longestMs >= 1000 ? `${(longestMs / 1000).toFixed(1)} s` : formatMs(longestMs),
  };
}

const QUEUE_WORDS: Readonly<Record<QueueName, { readonly name: string; readonly hint: string }>> = {
  revocations: { name: 'Pending revocations', hint: 'Revocations that are not finished yet' },
  broker_logouts: {
    name: 'Pending broker logouts',
    hint: 'Ended tokens that their brokers have not confirmed',
  },
  telegram: { name: 'Pending Telegram messages', hint: 'Messages not sent yet' },
  mail: { name: 'Pending mails', hint: 'Mails not sent yet' },
  passwords: { name: 'Pending password checks', hint: 'Sign-ins waiting on this node' },
  api_keys: { name: 'Pending API key checks', hint: 'First uses of keys waiting on this node' },
  traffic: { name: 'Pending traffic rows', hint: 'Requests of this node not logged yet' },
  ban_hits: {
    name: 'Pending ban hits',
    hint: 'Suspicious requests to this node not counted yet',
  },
};

export function toQueueView({ queue, depth }: QueueDepth) {
  return { key: queue, ...QUEUE_WORDS[queue], depth: depth === undefined ? 'No answer' : numberWords(depth) };
}

export function toAlertView(
  { what, raisedAt, endedAt, figure, worst, threshold, node, busiest }: StoredAlert,
  now: number,
) {
  return {
    key: `${what}-${raisedAt}`,
    heading: alertHeading(what),
    sentence: alertSentence({ what, figure: endedAt === undefined ? figure : worst, threshold }),
    raisedAt,
    lasted: describeDuration((endedAt ?? now) - raisedAt),
    node,
    busiest: busiest.map(toAddressView),
  };
}

export function toAddressView({ address, requests, bannable }: BusyAddress) {
  return {
    address,
    requests: numberWords(requests),
    banHref: bannable ? `/security/bans/new?${new URLSearchParams({ address })}` : undefined,
  };
}

function numberWords(number: number): string {
  return number.toLocaleString('en-IN');
}
