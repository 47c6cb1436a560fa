import { createPasswordHasher } from '../src/accounts/password-hasher.ts';
import { createUserStore } from '../src/accounts/user-store.ts';
import { createApiKeyStore } from '../src/api/api-key-store.ts';
import { createKeyFormat } from '../src/api/key-format.ts';
import { systemClock } from '../src/core/clock.ts';
import { type Database, openDatabase } from '../src/storage/database.ts';
import { parseDatabaseLocation } from '../src/storage/database-location.ts';
import { TEST_SECRETS } from '../test/support/test-server.ts';
import { createVisitor, signIn } from '../test/support/visitor.ts';

export const PASSWORD = 'quiet-monsoon-harbour-42';

/** `asha000`, `asha001` and so on: names of one length make pages of one length. */
export const usernameOf = (index: number): string => `asha${String(index).padStart(3, '0')}`;

/** Opens what a DATABASE_URL names, and makes its tables. */
export function openUrl(databaseUrl: string): Promise<Database> {
  const location = parseDatabaseLocation(databaseUrl);
  if (location === undefined) throw new Error(`${databaseUrl} is no database`);
  return openDatabase(location);
}

/** Makes accounts in Curfew's database, all with the same password. */
export async function makePeople(
  databaseUrl: string,
  count: number,
  role: 'user' | 'admin' = 'user',
): Promise<void> {
  const database = await openUrl(databaseUrl);
  const users = createUserStore({ database, clock: systemClock });
  const passwordHash = await createPasswordHasher({ peppers }).hash(PASSWORD);
  for (let index = 0; index < count; index += 1) {
    const username = usernameOf(index);
    await users.createUser({ username, email: `${username}@example.org`, passwordHash, role });
  }
  await database.close();
}

/** A key of the first of them, good for everything the benchmarks ask for. */
export async function makeApiKey(databaseUrl: string): Promise<string> {
  const database = await openUrl(databaseUrl);
  const user = await createUserStore({ database, clock: systemClock }).findByUsername(usernameOf(0));
  const key = await addApiKey(database, user?.id ?? '');
  await database.close();
  return key;
}

const peppers = [TEST_SECRETS.PEPPER];

export async function addApiKey(database: Database, userId: string): Promise<string> {
  const { id, key } = createKeyFormat({ peppers }).issue();
  await createApiKeyStore(database).insert(
    {
      id,
      userId,
      name: id,
      secretHash: await createPasswordHasher({ peppers }).hash(key),
      scopes: ['session:read', 'broker:token'],
      expiresAt: undefined,
      addresses: { primary: '127.0.0.1', secondary: undefined },
    },
    systemClock.now(),
  );
  return key;
}

/** Signs the first of them in; returns what the browser would send as its Cookie header. */
export async function signInAt(origin: string): Promise<string> {
  const visitor = createVisitor(origin);
  await signIn(visitor, { username: usernameOf(0), password: PASSWORD });
  return `curfew=${visitor.sessionCookie()}`;
}
