import { createHmac } from 'node:crypto';
import type { Database } from './database.ts';

/** The secrets without which stored data is of no use. */
export const CHECKED_SECRETS = ['PEPPER', 'ENCRYPTION_KEY'] as const;
export type CheckedSecret = (typeof CHECKED_SECRETS)[number];
/** Newest first. */
export type SecretValues = Readonly<Record<CheckedSecret, readonly string[]>>;

const CHARACTERS = 16;

/** Names a secret without telling anything of it. A key with and without its padding is the same key. */
function checkValue(secret: string): string {
  const key = secret.replace(/=+$/, '');
  return createHmac('sha256', key).update('curfew check value v1').digest('hex').slice(0, CHARACTERS);
}

/** Which secrets are not those that the newest data was made with. A database that has no check value yet accepts any. */
export async function findChangedSecrets(
  { db }: Pick<Database, 'db'>,
  values: SecretValues,
): Promise<readonly CheckedSecret[]> {
  const rows = await db.selectFrom('secret_checks').select(['name', 'check_value']).execute();
  return CHECKED_SECRETS.filter((name) => {
    const stored = rows.find((row) => row.name === name);
    return stored !== undefined && !values[name].map(checkValue).includes(stored.check_value);
  });
}

/** Stores the check values of the newest secrets: from now on data is made with them. */
export async function storeSecretChecks(
  { db }: Pick<Database, 'db'>,
  values: SecretValues,
  now: number,
  names: readonly CheckedSecret[] = CHECKED_SECRETS,
): Promise<void> {
  for (const name of names) {
    const check_value = checkValue(values[name][0] ?? '');
    await db
      .insertInto('secret_checks')
      .values({ name, check_value, set_at: now })
      .onConflict((conflict) =>
        conflict
          .column('name')
          .doUpdateSet({ check_value, set_at: now })
          .where('secret_checks.check_value', '!=', check_value),
      )
      .execute();
  }
}

const LOST: Readonly<Record<CheckedSecret, string>> = {
  PEPPER: 'no password and no API key made with the old one can be checked',
  ENCRYPTION_KEY: 'no broker token, app key or bot token encrypted with the old one can be read',
};

/** For the log, the doctor and the command line. */
export function describeChangedSecret(name: CheckedSecret): {
  readonly what: string;
  readonly remedy: string;
} {
  return {
    what: `${name} is not the one that this database was used with: ${LOST[name]}`,
    remedy: `Put the old ${name} back into .env, behind a comma if you want a new one in front. If it is lost for good: npx curfew keys accept`,
  };
}
