import { type Kysely, sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { up } from '../../../src/storage/migrations/0009-no-visitors.ts';
import { DATABASES } from '../databases.ts';

describe.each(DATABASES)('the rows of visitors on %s', (_name, open) => {
  it('are removed, and nobody else’s', async () => {
    const database = await open();
    await sql`
      insert into sessions (sid, user_id, epoch, login_time, last_seen, body)
      values ('v.1', null, null, null, 1, '{}'), ('s.asha.1.x', 'asha', 0, 1, 1, '{}')`.execute(database.db);
    await up(database.db as unknown as Kysely<unknown>);
    expect(await database.db.selectFrom('sessions').select('sid').execute()).toEqual([{ sid: 's.asha.1.x' }]);
    await database.close();
  });
});
