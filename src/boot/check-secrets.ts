import type { Config } from '../config.ts';
import type { Log } from '../core/log.ts';
import {
  CHECKED_SECRETS,
  type CheckedSecret,
  describeChangedSecret,
  findChangedSecrets,
  storeSecretChecks,
} from '../storage/secret-checks.ts';
import type { Infrastructure } from './connect.ts';

/**
 * Refuses to start in production with a PEPPER or ENCRYPTION_KEY that is not the database's: every password would be wrong.
 * Elsewhere it is said loudly, and on /readyz.
 */
export async function checkSecrets(
  { database, clock }: Pick<Infrastructure, 'database' | 'clock'>,
  { peppers, encryptionKeys, production }: Pick<Config, 'peppers' | 'encryptionKeys' | 'production'>,
  log: Log,
): Promise<readonly CheckedSecret[]> {
  const values = { PEPPER: peppers, ENCRYPTION_KEY: encryptionKeys };
  const changed = await findChangedSecrets(database, values);
  const sentences = changed.map(describeChangedSecret).map(({ what, remedy }) => `${what}. ${remedy}`);
  if (changed.length > 0 && production) throw new Error(sentences.join('\n'));
  for (const sentence of sentences) log.error({}, sentence);
  const unchanged = CHECKED_SECRETS.filter((name) => !changed.includes(name));
  await storeSecretChecks(database, values, clock.now(), unchanged);
  return changed;
}
