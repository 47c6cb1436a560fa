import { createPasskeyStore } from '../../accounts/passkeys/passkey-store.ts';
import { relyingPartyOf } from '../../accounts/passkeys/relying-party.ts';
import { pepperMark } from '../../accounts/pepper-mark.ts';
import { createUserStore } from '../../accounts/user-store.ts';
import type { Clock } from '../../core/clock.ts';
import type { Database } from '../../storage/database.ts';
import { describeChangedSecret, findChangedSecrets, type SecretValues } from '../../storage/secret-checks.ts';
import { type Finding, findingsOf } from './finding.ts';

/** Whether PEPPER and ENCRYPTION_KEY are those that the database was used with. */
export async function checkChangedSecrets(
  database: Database,
  values: SecretValues,
  unknown: readonly string[],
): Promise<readonly Finding[]> {
  const { fail } = findingsOf('secrets');
  const changed = (await findChangedSecrets(database, values)).filter((name) => !unknown.includes(name));
  return changed.map(describeChangedSecret).map(({ what, remedy }) => fail(what, remedy));
}

/** While PEPPER has several values: who would be locked out without the older ones. With a single one, nothing. */
export async function checkPeppers(
  database: Database,
  clock: Clock,
  peppers: readonly string[],
): Promise<readonly Finding[]> {
  const { ok, warn } = findingsOf('pepper');
  if (peppers.length < 2) return [];
  const users = createUserStore({ database, clock });
  const [all, current] = await Promise.all([
    users.list(),
    users.countPasswordHashesEndingWith(pepperMark(peppers)),
  ]);
  const left = all.length - current;
  if (left === 0)
    return [
      ok(
        'Every password is hashed with the newest of PEPPER. The older ones can go once the API keys from before it are made anew',
      ),
    ];
  return [
    warn(
      `${left} of ${all.length} people have not signed in since the newest of PEPPER came`,
      'Leave the older ones in until they have. Without those these people need a new password (npx curfew users reset-password), and users with older API keys need new ones.',
    ),
  ];
}

/** Whether browsers still give the passkeys to this server: they do so by the host that these were made for. */
export async function checkPasskeys(database: Database, baseUrl: string): Promise<readonly Finding[]> {
  const { warn } = findingsOf('passkeys');
  const foreign = await createPasskeyStore(database).countForeign(relyingPartyOf(baseUrl)?.id);
  if (foreign === 0) return [];
  return [
    warn(
      `${foreign === 1 ? 'One passkey was' : `${foreign} passkeys were`} made for another host than that of BASE_URL, and cannot be used`,
      'Put the former host back into BASE_URL, or have people add new passkeys on their profile; they sign in with their password and a code meanwhile.',
    ),
  ];
}
