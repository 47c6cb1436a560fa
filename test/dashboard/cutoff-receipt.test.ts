import { expect, it } from 'vitest';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn } from '../support/visitor.ts';

const RAVI = { username: 'ravi', email: 'ravi@example.org', password: 'lantern-orchid-ferry-77' } as const;

it('The receipt of the cutoff shows numbers of all to administrators only', async () => {
  const clock = createSettableClock('2026-11-23T10:00:00+05:30');
  const server = await startTestServer({ clock, env: { SESSION_IDLE_TIMEOUT: 'off' } });
  const [asha, ravi] = [createVisitor(server.origin), createVisitor(server.origin)];
  await setUp(asha);
  await server.services.accounts.userAdmin.create({ ...RAVI, role: 'user' }, { actor: 'test' });
  for (let each = 0; each < 3; each += 1) await signIn(createVisitor(server.origin));
  clock.set('2026-11-24T03:00:00+05:30');
  await server.services.revocation.sweep.runIfDue();
  await signIn(asha, PERSON);
  await signIn(ravi, RAVI);

  const shown = /Sessions ended in the store(: <strong>3<\/strong>)?/;
  const [toAdmin, toUser] = await Promise.all([asha, ravi].map((each) => each.get('/dashboard')));
  expect(shown.exec(toAdmin?.text ?? '')?.[1]).toBeDefined();
  expect(shown.exec(toUser?.text ?? '')).not.toBeNull();
  expect(shown.exec(toUser?.text ?? '')?.[1]).toBeUndefined();
  await server.close();
});
