import { createPasswordHasher } from '../src/accounts/password-hasher.ts';
import { createUserStore } from '../src/accounts/user-store.ts';
import { systemClock } from '../src/core/clock.ts';
import { openDatabase } from '../src/storage/database.ts';
import { TEST_SECRETS } from '../test/support/test-server.ts';
import { createVisitor, signIn } from '../test/support/visitor.ts';

export const PASSWORD = 'quiet-monsoon-harbour-42';

/** `asha000`, `asha001` and so on: names of one length make pages of one length. */
export const usernameOf = (index: number): string => `asha${String(index).padStart(3, '0')}`;

/** Makes accounts in Curfew's database, all with the same password. */
export async function makePeople(file: string, count: number): Promise<void> {
  const database = await openDatabase({ dialect: 'sqlite', file });
  const users = createUserStore({ database, clock: systemClock });
  const passwordHash = await createPasswordHasher({ peppers: [TEST_SECRETS.PEPPER] }).hash(PASSWORD);
  for (let index = 0; index < count; index += 1) {
    const username = usernameOf(index);
    await users.createUser({ username, email: `${username}@example.org`, passwordHash, role: 'user' });
  }
  await database.close();
}

/** Signs the first of them in; returns what the browser would send as its Cookie header. */
export async function signInAt(origin: string): Promise<string> {
  const visitor = createVisitor(origin);
  await signIn(visitor, { username: usernameOf(0), password: PASSWORD });
  return `curfew=${visitor.sessionCookie()}`;
}
