import { createPasskeyStore } from '../../accounts/passkeys/passkey-store.ts';
import { relyingPartyOf } from '../../accounts/passkeys/relying-party.ts';
import type { Database } from '../../storage/database.ts';
import { type Finding, findingsOf } from './finding.ts';

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
