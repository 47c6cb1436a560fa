import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MINUTE_MS } from '../../src/core/duration.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';

const SEND_AGAIN = 'you are led back to the form, to send it again.';

describe('the page that asks for the password again', () => {
  const clock = createSettableClock('2026-11-20T12:00:00+05:30');
  let server: TestServer;
  let visitor: Visitor;

  beforeAll(async () => {
    server = await startTestServer({
      clock,
      env: { SESSION_IDLE_TIMEOUT: '8h', SESSION_EXPIRY_TIME: 'off' },
    });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
  });
  afterAll(() => server.close());

  it('says that a form has to be filled in anew, also behind a wrong password', async () => {
    const _csrf = await visitor.csrfTokenOf('/users/new');
    clock.advance(30 * MINUTE_MS);
    const headers = { Origin: server.origin, Referer: `${server.origin}/users/new` };
    const { location } = await visitor.post('/users', { username: 'meera', _csrf }, headers);
    const asked = await visitor.get(location);
    expect(asked.text).toContain(SEND_AGAIN);
    const again = /name="again" value="(\w+)"/.exec(asked.text)?.[1] ?? '';
    const fields = { returnTo: '/users/new', again };
    for (const password of ['', 'not-the-password'])
      expect((await visitor.submit('/auth/confirm', { password, ...fields })).text).toContain(SEND_AGAIN);
    const done = await visitor.submit('/auth/confirm', { password: PERSON.password, ...fields });
    expect(done.location).toBe('/users/new');
  });

  it('says nothing of a form where none was sent', async () => {
    clock.advance(30 * MINUTE_MS);
    const { location } = await visitor.get('/users/new');
    expect((await visitor.get(location)).text).not.toContain(SEND_AGAIN);
    const refused = await visitor.submit('/auth/confirm', { password: 'wrong', returnTo: '/users/new' });
    expect(refused.text).not.toContain(SEND_AGAIN);
  });
});
