import { AppError } from '../../errors.ts';
import { type Sample, samplesBy } from '../../http/metrics.ts';
import type { Identity } from '../identity.ts';
import type { GatewayRule } from '../rules.ts';
import { UpstreamTimeoutError } from './upstream.ts';

/** Counts of requests that tools failed to answer, by rule. */
export interface UpstreamFailures {
  count(rule: GatewayRule): void;
  /** Counts it, and says what the client is told. Only an administrator learns of the inside. */
  explain(error: unknown, rule: GatewayRule, identity: Identity | undefined): AppError;
  counts(): readonly Sample[];
}

export function createUpstreamFailures(): UpstreamFailures {
  const byRule = new Map<string, number>();

  function count({ name }: GatewayRule): void {
    byRule.set(name, (byRule.get(name) ?? 0) + 1);
  }

  return {
    count,
    explain(cause, rule, identity) {
      count(rule);
      const isLate = cause instanceof UpstreamTimeoutError;
      const name = JSON.stringify(rule.name);
      const words = isLate
        ? `The tool of the rule ${name} did not answer in time.`
        : `The tool of the rule ${name} does not answer.`;
      const more =
        identity?.role === 'admin'
          ? `${rule.upstream}: ${messageOf(cause)}.`
          : 'Try again in a moment, or ask an administrator.';
      return new AppError(isLate ? 'gateway_timeout' : 'bad_gateway', `${words} ${more}`, { cause });
    },
    counts: () => samplesBy('rule', byRule),
  };
}

/** Of a host with several addresses, what came of each of them. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : 'unknown error';
}
