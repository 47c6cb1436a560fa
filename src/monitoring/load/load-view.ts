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
  revocations: { name: 'Pending revocations', hint: 'Ends of sessions that could not be finished at once' },
  broker_logouts: { name: 'Logouts at brokers', hint: 'Brokers that are still to be told that a token ends' },
  telegram: { name: 'Telegram messages', hint: 'Messages that are still to be sent' },
  mail: { name: 'Mails', hint: 'Mails that are still to be sent' },
  passwords: { name: 'Password checks', hint: 'Sign-ins that wait for their turn on this node' },
  api_keys: { name: 'API key checks', hint: 'First uses of keys that wait for their turn on this node' },
  traffic: { name: 'Traffic log', hint: 'Requests of this node that are still to be written down' },
  ban_hits: {
    name: 'Hits towards bans',
    hint: 'Suspicious requests to this node that are still to be counted',
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
