import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createSettableClock } from '../../test/support/settable-clock.ts';
import { startTestServer } from '../../test/support/test-server.ts';
import { createVisitor, setUp } from '../../test/support/visitor.ts';

/** The whole server with a clock that can be set to the cutoff, for sockets of programs. */
const BEFORE = '2026-11-24T02:30:00+05:30';
const CUTOFF = '2026-11-24T03:00:00+05:30';

const clock = createSettableClock(BEFORE);
const server = await startTestServer({
  clock,
  jobs: true,
  env: { SOCKETS_PER_USER: '9999', API_RATE_LIMIT: '9999999/minute', LOG_LEVEL: 'silent' },
});
await setUp(createVisitor(server.origin));
const { services, infrastructure } = server;
const { db } = infrastructure.database;
const { id } = await db.selectFrom('users').select('id').executeTakeFirstOrThrow();
// The first account's key serves for the sockets of others too: each user has up to 9,999.
const keys: string[] = [];
for (const userId of [id, await addUser()]) {
  const created = await services.api.apiKeys.create(
    userId,
    {
      name: 'Bench',
      scopes: ['feed:read'],
      expiresAt: undefined,
      addresses: { primary: undefined, secondary: undefined },
    },
    { actor: 'bench' },
  );
  if (created.kind !== 'created') throw new Error(created.kind);
  keys.push(created.secret);
}

async function addUser(): Promise<string> {
  const row = await db.selectFrom('users').selectAll().executeTakeFirstOrThrow();
  const second = {
    ...row,
    id: 'bench',
    username: 'bench',
    username_key: 'bench',
    email: 'bench@example.org',
  };
  await db.insertInto('users').values(second).execute();
  return second.id;
}

const delay = monitorEventLoopDelay({ resolution: 5 });
const facts = () => ({
  sockets: services.sockets.size,
  memoryMb: process.memoryUsage().rss / 2 ** 20,
  p99Ms: delay.percentile(99) / 1e6,
  longestMs: delay.max / 1e6,
});

process.on('message', (message) => {
  const { ask } = message as { ask: 'start' | 'facts' | 'cutoff' };
  if (ask === 'start') return void process.send?.({ port: Number(new URL(server.origin).port), keys });
  if (ask === 'cutoff') {
    delay.reset();
    delay.enable();
    clock.set(CUTOFF);
  }
  process.send?.(facts());
});
