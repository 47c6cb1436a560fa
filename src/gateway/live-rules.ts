import { readFileSync } from 'node:fs';
import { type AuditLog, SYSTEM_ORIGIN } from '../core/audit-event.ts';
import type { Log } from '../core/log.ts';
import type { GatewayRule } from './rules.ts';
import type { RulesContext, RulesProblem } from './rules-file.ts';

/** A rules file that cannot be used, at the start. The message is for the person who wrote it. */
export class RulesFileError extends Error {
  override readonly name = 'RulesFileError';
}

/** The rules in force. */
export interface LiveRules {
  /** In their order. */
  current(): readonly GatewayRule[];
  /** GATEWAY_RULES; undefined where the gateway is off. */
  readonly file: string | undefined;
  /** At the start. Rejects with RulesFileError. */
  load(): Promise<void>;
  /** Calls back whenever others are in force. */
  onChange(listener: () => void): void;
  /** When the file has changed: a bad one is logged and recorded once, and the last good one stays in force. */
  reload(): Promise<void>;
}

export interface LiveRulesDeps extends RulesContext {
  readonly file: string | undefined;
  readonly audit: AuditLog;
  readonly log: Log;
}

export function createLiveRules({ file, audit, log, ...context }: LiveRulesDeps): LiveRules {
  let rules: readonly GatewayRule[] = [];
  let textBefore = '';
  const listeners: (() => void)[] = [];

  type Outcome = { readonly rules: readonly GatewayRule[] } | { readonly problems: readonly string[] };

  async function read(path: string): Promise<Outcome & { readonly text: string }> {
    // It brings the YAML parser, which only a server with a gateway needs.
    const { parseRules } = await import('./rules-file.ts');
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
      return { text: '', problems: [`${path} cannot be read (${code})`] };
    }
    const parsed = parseRules(text, context);
    if (parsed.kind === 'ok') return { text, rules: parsed.rules };
    return { text, problems: parsed.problems.map((problem) => inWords(path, problem)) };
  }

  return {
    file,
    current: () => rules,
    onChange: (listener) => void listeners.push(listener),

    async load() {
      if (file === undefined) return;
      const outcome = await read(file);
      if ('problems' in outcome)
        throw new RulesFileError(
          `The rules of the gateway cannot be used:\n  ${outcome.problems.join('\n  ')}`,
        );
      textBefore = outcome.text;
      rules = outcome.rules;
    },

    async reload() {
      if (file === undefined) return;
      const outcome = await read(file);
      if (outcome.text === textBefore) return;
      textBefore = outcome.text;
      if ('problems' in outcome) {
        for (const problem of outcome.problems)
          log.error({ file }, `${problem}. Refused: the former rules stay in force`);
        await audit.record({ type: 'gateway.rules_refused', problems: outcome.problems }, SYSTEM_ORIGIN);
        return;
      }
      rules = outcome.rules;
      for (const listener of listeners) listener();
      log.info({ file, rules: rules.length }, 'New rules of the gateway are in force');
      await audit.record(
        { type: 'gateway.rules_changed', rules: rules.map(({ name }) => name) },
        SYSTEM_ORIGIN,
      );
    },
  };
}

const inWords = (path: string, { line, problem }: RulesProblem): string =>
  `${path}, line ${line}: ${problem}`;
