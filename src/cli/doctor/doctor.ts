import { randomBytes } from 'node:crypto';
import { mergeEnvironment } from '../../boot/env-file.ts';
import { type Project, projectIn } from '../../boot/project.ts';
import { type Config, ConfigError, type ConfigProblem, type Environment } from '../../config.ts';
import type { Clock } from '../../core/clock.ts';
import type { CliCommand, CommandContext, ExitCode } from '../command.ts';
import { explainError } from '../explain-error.ts';
import { toJson } from '../json.ts';
import { checkClock } from './check-clock.ts';
import { checkDatabase } from './check-database.ts';
import { checkMail } from './check-mail.ts';
import { checkRedis } from './check-redis.ts';
import { checkAddresses, checkEnvFile, checkSecrets, checkSettings } from './check-settings.ts';
import { checkChangedSecrets, checkPasskeys, checkPeppers } from './check-settings-fit.ts';
import { checkWork } from './check-work.ts';
import { type Finding, findingsOf } from './finding.ts';

export const command: CliCommand<{ readonly json?: boolean }> = {
  run: doctor,
};

/** Looks at everything that Curfew stands on and says what to mend; changes nothing. Fails when anything does. */
async function doctor(context: CommandContext, { json }: { readonly json?: boolean }): Promise<ExitCode> {
  const findings = await examine(context);
  const healthy = findings.every((finding) => finding.status !== 'fail');
  await context.terminal.print(
    json ? toJson({ ok: healthy, checks: findings.map(toRecord) }) : findings.map(toText).join('\n'),
  );
  return healthy ? 0 : 1;
}

async function examine({ projectFolder, environment, clock }: CommandContext): Promise<readonly Finding[]> {
  const project = projectIn(projectFolder);
  const envFile = checkEnvFile(project.envFile);
  const settings = mergeEnvironment(environment, envFile.settings);
  const { config, problems } = readAsFarAsPossible(project, settings);
  const unless = async (setting: string, name: string, look: () => Promise<readonly Finding[]>) =>
    problems.some((problem) => problem.name === setting)
      ? [findingsOf(name).fail('Not looked at', `Mend ${setting} first.`)]
      : look();
  return [
    ...checkSettings(problems, envFile.settings),
    ...checkSecrets(settings, problems),
    ...envFile.findings,
    ...checkAddresses(config),
    ...checkClock(clock.now(), config.policy.cutoffTime),
    ...(await unless('REDIS_URL', 'redis', () => checkRedis(config.redis, clock))),
    ...(await unless('SMTP_URL', 'mail', () => checkMail(config))),
    ...(await unless('DATABASE_URL', 'database', () => checkStorage(config, clock, problems))),
  ];
}

async function checkStorage(
  { database: location, policy, peppers, encryptionKeys, baseUrl }: Config,
  clock: Clock,
  problems: readonly ConfigProblem[],
): Promise<readonly Finding[]> {
  // In place of a secret that cannot be used stands one that was made up.
  const standIns = problems.map(({ name }) => name);
  const { findings, database } = await checkDatabase(location, clock);
  if (database === undefined) return findings;
  try {
    return [
      ...findings,
      ...(await checkWork(database, clock, policy.cutoffTime)),
      ...(await checkChangedSecrets(database, { PEPPER: peppers, ENCRYPTION_KEY: encryptionKeys }, standIns)),
      ...(await checkPeppers(database, clock, peppers)),
      ...(await checkPasskeys(database, baseUrl)),
    ];
  } catch (error) {
    const { fail } = findingsOf('database');
    return [...findings, fail(explainError(error), 'Try again once it answers.')];
  } finally {
    await database.close();
  }
}

function toRecord(finding: Finding) {
  return { ...finding, remedy: finding.status === 'ok' ? null : finding.remedy };
}

function toText(finding: Finding): string {
  const line = `${finding.status.padEnd(4)}  ${finding.name.padEnd(11)}  ${finding.message}`;
  return finding.status === 'ok' ? line : `${line}\n${' '.repeat(19)}${finding.remedy}`;
}

interface ReadableConfig {
  /** Where a setting has a problem, the default stands in its place; for a secret, a fresh one. */
  readonly config: Config;
  readonly problems: readonly ConfigProblem[];
}

/** The settings as far as they can be read: one that is wrong must not hide what else is. */
function readAsFarAsPossible(project: Project, settings: Environment): ReadableConfig {
  try {
    return { config: project.parseConfig(settings), problems: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const standIns = error.problems.map(({ name }) => [name, standInFor(name)]);
    const config = project.parseConfig({ ...settings, ...Object.fromEntries(standIns) });
    return { config, problems: error.problems };
  }
}

/** Undefined: not set. */
function standInFor(name: string): string | undefined {
  if (name === 'ENCRYPTION_KEY') return randomBytes(32).toString('base64url');
  return name === 'SESSION_SECRET' || name === 'PEPPER' ? randomBytes(48).toString('hex') : undefined;
}
