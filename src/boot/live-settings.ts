import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, type Environment, parsePolicy, SETTING_NAMES } from '../config.ts';
import { type AuditLog, SYSTEM_ORIGIN } from '../core/audit-event.ts';
import { formatCutoffTime } from '../core/cutoff.ts';
import { SECOND_MS } from '../core/duration.ts';
import type { Log } from '../core/log.ts';
import { formatIdleTimeout, type LivePolicy, type SessionPolicy } from '../core/session-policy.ts';
import { EnvFileError, mergeEnvironment } from './env-file.ts';

export interface LiveSettingsDeps {
  readonly policy: LivePolicy;
  /** The environment that the process was started with. */
  readonly environment: Environment;
  readonly readFile: () => Environment;
  /** Content of the file at the start. */
  readonly atStart?: Environment;
  /** Stores when sessions were last used, before each reading: a shorter idle limit would end the ones in use for it. */
  readonly storeUses?: () => Promise<void>;
  readonly audit: AuditLog;
  readonly log: Log;
}

const FIELDS = {
  SESSION_EXPIRY_TIME: 'cutoffTime',
  SESSION_IDLE_TIMEOUT: 'idleTimeoutMs',
} as const satisfies Record<string, keyof SessionPolicy>;
const NAMES = ['SESSION_EXPIRY_TIME', 'SESSION_IDLE_TIMEOUT'] as const;

/** An editor writes its file faster than that. */
const READ_AGAIN_AFTER_MS = SECOND_MS;

/**
 * Takes SESSION_EXPIRY_TIME and SESSION_IDLE_TIMEOUT from .env while the server runs. A bad value changes nothing, and one
 * that is not there counts as taken out only when the file still says the same a second later.
 */
export function createLiveSettings({
  policy,
  environment,
  readFile,
  atStart = {},
  storeUses,
  audit,
  log,
}: LiveSettingsDeps): () => Promise<void> {
  let refusedBefore = '';
  let namesBefore: readonly string[] = knownNames(atStart);
  const current = (name: (typeof NAMES)[number]): string => JSON.stringify(policy.current()[FIELDS[name]]);

  /** Whether a default would come into force: half of the file may be missing, also at a SIGHUP. */
  function fallsBack(file: Environment): boolean {
    const defaults = parsePolicy({});
    return NAMES.some(
      (name) =>
        !mergeEnvironment(environment, file)[name]?.trim() &&
        current(name) !== JSON.stringify(defaults[FIELDS[name]]),
    );
  }

  async function readWhole(): Promise<Environment> {
    for (let file = readFile(); ; ) {
      if (!fallsBack(file)) return file;
      await sleep(READ_AGAIN_AFTER_MS, undefined, { ref: false });
      const again = readFile();
      if (JSON.stringify(again) === JSON.stringify(file)) return again;
      file = again;
    }
  }

  /** Once for each mistake, and not again when the file is saved with the same one. */
  async function recordRefusal(problems: readonly string[]): Promise<void> {
    const refused = problems.join('\n');
    if (refused === refusedBefore) return;
    refusedBefore = refused;
    await audit.record({ type: 'policy.refused', problems }, SYSTEM_ORIGIN);
  }

  /** Half a file, or another one: to take the rest for defaults could end every session. */
  async function refuse(problem: string): Promise<void> {
    log.error(
      {},
      `${problem}. Refused: the old values stay in force. Save it again, or restart the server if it is meant so.`,
    );
    await recordRefusal([problem]);
  }

  return async function reload() {
    await storeUses?.();
    const file = await readWhole().catch((error: unknown) => {
      if (error instanceof EnvFileError) return error;
      throw error;
    });
    if (file instanceof EnvFileError) return refuse(file.message);
    // Gone or empty is an editor at work, also at a SIGHUP; the defaults could end every session for it.
    if (Object.keys(file).length === 0) return;
    const names = knownNames(file);
    if (names.length === 0) return refuse('.env has no setting in it');
    const lost = namesBefore.filter((name) => !(name in FIELDS) && !names.includes(name));
    if (lost.length > 0) return refuse(`.env has lost ${lost.join(', ')}`);
    namesBefore = names;
    for (const name of NAMES) {
      if (environment[name] && file[name] !== undefined && file[name] !== environment[name]) {
        log.warn({ name }, `${name} in .env is not used: the environment sets it, and wins over the file`);
      }
    }
    const parsed = parseOrRefuse(mergeEnvironment(environment, file), log);
    if (!parsed.ok) return recordRefusal(parsed.problems);
    refusedBefore = '';
    const next = parsed.policy;
    const before = describePolicy(policy.current());
    const after = describePolicy(next);
    if (before === after) return;
    policy.replace(next);
    log.info({ before, after }, 'New session limits are in force');
    await audit.record({ type: 'policy.changed', before, after }, SYSTEM_ORIGIN);
  };
}

const knownNames = (file: Environment): readonly string[] =>
  Object.keys(file).filter((name) => SETTING_NAMES.includes(name));

type ParsedPolicy =
  | { readonly ok: true; readonly policy: SessionPolicy }
  | { readonly ok: false; readonly problems: readonly string[] };

function parseOrRefuse(env: Environment, log: Log): ParsedPolicy {
  try {
    return { ok: true, policy: parsePolicy(env) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const { name, problem, example } of error.problems) {
      log.error(
        { name },
        `${name} ${problem}. Refused: the old value stays in force. Example: ${name}=${example}`,
      );
    }
    return { ok: false, problems: error.problems.map(({ name, problem }) => `${name} ${problem}`) };
  }
}

function describePolicy(policy: SessionPolicy): string {
  return `SESSION_EXPIRY_TIME=${formatCutoffTime(policy.cutoffTime)} SESSION_IDLE_TIMEOUT=${formatIdleTimeout(policy)}`;
}
