import { statSync } from 'node:fs';
import { readEnvFile, unknownNames } from '../../boot/env-file.ts';
import { addressWarnings } from '../../boot/start-warnings.ts';
import type { Config, ConfigProblem, Environment } from '../../config.ts';
import { explainError } from '../explain-error.ts';
import { printable } from '../printable.ts';
import { type Finding, findingsOf } from './finding.ts';

const SECRETS = ['SESSION_SECRET', 'ENCRYPTION_KEY', 'PEPPER'];

/** Every setting that cannot be used, and names in .env that mean nothing and so are probably misspelt. */
export function checkSettings(problems: readonly ConfigProblem[], envFile: Environment): readonly Finding[] {
  const { ok, warn, fail } = findingsOf('settings');
  const wrong = problems
    .filter(({ name }) => !SECRETS.includes(name))
    .map(({ name, problem, example }) => fail(`${name} ${problem}`, `For example: ${name}=${example}`));
  const unknown = unknownNames(envFile).map((name) =>
    warn(
      `${printable(name)} in .env is no setting, and nothing reads it`,
      'See whether it is misspelt: .env.example lists every setting.',
    ),
  );
  const findings = [...wrong, ...unknown];
  return findings.length > 0 ? findings : [ok('All can be used')];
}

/** The three secrets: there, long enough, and each a different one. */
export function checkSecrets(settings: Environment, problems: readonly ConfigProblem[]): readonly Finding[] {
  const { ok, warn, fail } = findingsOf('secrets');
  const wrong = problems
    .filter(({ name }) => SECRETS.includes(name))
    .map(({ name, problem }) => fail(`${name} ${problem}`, REMEDIES[name] ?? 'See .env.example.'));
  if (wrong.length > 0) return wrong;
  const values = SECRETS.flatMap((name) => (settings[name] ?? '').split(',').map((value) => value.trim()));
  if (new Set(values).size < values.length)
    return [
      warn(
        'The same value stands in two places',
        'Give SESSION_SECRET, ENCRYPTION_KEY and PEPPER values of their own.',
      ),
    ];
  return [ok('SESSION_SECRET, ENCRYPTION_KEY and PEPPER are there')];
}

const REMEDIES: Readonly<Record<string, string>> = {
  SESSION_SECRET: 'A new one ends all sessions: openssl rand -base64 48',
  ENCRYPTION_KEY:
    "Put back the old one if there is a copy; with a new one all users must connect their brokers again: head -c 32 /dev/urandom | base64 | tr '+/' '-_'",
  PEPPER:
    'Put back the old one if there is a copy; with a new one alone every password has to be reset: openssl rand -base64 48',
};

/** The address that browsers open and the one that the server listens on must fit together. */
export function checkAddresses(config: Config): readonly Finding[] {
  const { ok, warn } = findingsOf('addresses');
  const { host, port, baseUrl } = config;
  const warnings = addressWarnings(config).map(({ what, remedy }) => warn(what, remedy));
  return warnings.length > 0 ? warnings : [ok(`${baseUrl}, listening on ${host} port ${port}`)];
}

const OTHERS = 0o077;

const { ok, warn, fail } = findingsOf('.env');

interface EnvFileCheckup {
  readonly findings: readonly Finding[];
  /** Its settings; empty where it cannot be read. */
  readonly settings: Environment;
}

/** The file holds every secret: only its owner should read it. */
export function checkEnvFile(envFile: string): EnvFileCheckup {
  try {
    return { findings: checkMode(envFile), settings: readEnvFile(envFile) };
  } catch (error) {
    const remedy = `Make it a file that the user who runs Curfew can read: ${envFile}`;
    return { findings: [fail(explainError(error), remedy)], settings: {} };
  }
}

function checkMode(envFile: string): readonly Finding[] {
  const stats = statSync(envFile, { throwIfNoEntry: false });
  if (stats === undefined) return [ok('There is none: the settings come from the environment')];
  const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
  // Windows has no such modes, and reports all of them.
  if ((stats.mode & OTHERS) === 0 || process.platform === 'win32')
    return [ok(`Mode ${mode}: only its owner can read it`)];
  return [warn(`Mode ${mode}: others on this machine may read the secrets`, `chmod 600 ${envFile}`)];
}
