import { createPasswordHasher } from '../../src/accounts/password-hasher.ts';
import { createApiKeyStore } from '../../src/api/api-key-store.ts';
import { createKeyFormat } from '../../src/api/key-format.ts';
import { createKeyVerifier } from '../../src/api/key-verifier.ts';
import { systemClock } from '../../src/core/clock.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { TEST_SECRETS } from '../../test/support/test-server.ts';
import { alternate, type Comparison, type Sample } from '../comparison.ts';
import type { Workshop } from '../workshop.ts';

const CHECKS = 5_000;
const HASHES = 10;
const USER = 'asha';
const METRICS = [{ name: 'CPU us/check', better: 'less', digits: 1 }] as const;

/** What it costs to know whose a request is, in this very process and on a SQLite file. */
export async function compareApiKeys(workshop: Workshop): Promise<readonly Comparison[]> {
  const database = await openDatabase({ dialect: 'sqlite', file: workshop.newDatabaseFile() });
  workshop.atEnd(() => database.close());
  const { verifier, hasher, key, secretHash, foreign, unknown } = await prepare(database);
  const { rounds } = workshop.options;

  return [
    {
      title: 'Checking a good API key',
      metrics: METRICS,
      subjects: await alternate(
        {
          'Argon2id each time': () => timePerCheck(HASHES, () => hasher.verify(key, secretHash)),
          'Curfew, seen before': () =>
            timePerCheck(CHECKS, async () => (await verifier.verify(key)).kind === 'ok'),
        },
        rounds,
      ),
    },
    {
      title: 'Refusing a wrong one',
      metrics: METRICS,
      subjects: await alternate(
        {
          'Argon2id each time': () =>
            timePerCheck(HASHES, async () => !(await hasher.verify(foreign, secretHash))),
          'Curfew, not its own': () =>
            timePerCheck(CHECKS, async () => (await verifier.verify(foreign)).kind === 'bad'),
          'Curfew, not in the database': () =>
            timePerCheck(CHECKS, async () => (await verifier.verify(unknown)).kind === 'bad'),
        },
        rounds,
      ),
    },
  ];
}

async function prepare(database: Database) {
  const peppers = [TEST_SECRETS.PEPPER];
  const store = createApiKeyStore(database);
  const format = createKeyFormat({ peppers });
  const hasher = createPasswordHasher({ peppers });
  const verifier = createKeyVerifier({ store, format, hasher, clock: systemClock });
  const { id, key } = format.issue();
  const secretHash = await hasher.hash(key);
  await addUser(database);
  await store.insert(
    {
      id,
      userId: USER,
      name: 'Bot',
      secretHash,
      scopes: ['session:read', 'broker:token'],
      expiresAt: undefined,
      addresses: { primary: '127.0.0.1', secondary: undefined },
    },
    systemClock.now(),
  );
  if ((await verifier.verify(key)).kind !== 'ok') throw new Error('A good key was refused');
  const foreign = createKeyFormat({ peppers: [`${TEST_SECRETS.PEPPER}x`] }).issue().key;
  return { verifier, hasher, key, secretHash, foreign, unknown: format.issue().key };
}

async function addUser({ db }: Database): Promise<void> {
  await db
    .insertInto('users')
    .values({
      id: USER,
      username: USER,
      username_key: USER,
      email: `${USER}@example.com`,
      password_hash: '',
      role: 'user',
      disabled: 0,
      created_at: 0,
    })
    .execute();
}

/** In CPU time: other work on the machine changes it less than the time that passes. */
async function timePerCheck(checks: number, check: () => Promise<boolean>): Promise<Sample> {
  const before = process.cpuUsage();
  for (let index = 0; index < checks; index += 1)
    if (!(await check())) throw new Error('A check came out wrong');
  const { user, system } = process.cpuUsage(before);
  return { 'CPU us/check': (user + system) / checks };
}
