import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MINUTE_MS } from '../../../src/core/duration.ts';
import { createSettableClock } from '../../support/settable-clock.ts';
import { createSoftwareAuthenticator } from '../../support/software-authenticator.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';
import { type Answer, createVisitor, PERSON, setUp, type Visitor } from '../../support/visitor.ts';

const ENROLMENT = '/auth/login/enrolment';
const PASSKEY = `${ENROLMENT}/passkey`;

describe('a passkey that a sign-in has to begin with', () => {
  const clock = createSettableClock('2026-11-20T12:00:00+05:30');
  let server: TestServer;
  let visitor: Visitor;
  let ravis = 0;

  beforeAll(async () => {
    const env = { SECOND_FACTOR: 'all', SESSION_EXPIRY_TIME: 'off', SESSION_IDLE_TIMEOUT: 'off' };
    server = await startTestServer({ clock, env, hostname: 'localhost' });
    await setUp(createVisitor(server.origin));
  });
  afterAll(() => server.close());

  const accountOf = (number: number) =>
    ({ username: `ravi${number}`, email: 'r@example.org', role: 'user', password: PERSON.password }) as const;
  const signInPage = (browser: Visitor) =>
    browser.submit('/auth/login', { ...accountOf(ravis), returnTo: '/symbols' });
  const optionsOf = async (browser: Visitor, page = PASSKEY) => {
    const answer = await browser.get(`${page}/options`, { Accept: 'application/json' });
    return { httpStatus: answer.status, ...JSON.parse(answer.text) };
  };
  const send = async (browser: Visitor, fields: Record<string, string>): Promise<Answer> =>
    browser.post(
      PASSKEY,
      { name: 'Phone', ...fields, _csrf: await browser.csrfTokenOf(ENROLMENT) },
      { Origin: server.origin },
    );

  beforeEach(async () => {
    clock.advance(MINUTE_MS);
    ravis += 1;
    await server.services.accounts.userAdmin.create(accountOf(ravis), { actor: 'cli' });
    visitor = createVisitor(server.origin);
    const { location } = await signInPage(visitor);
    expect(location).toBe(`${ENROLMENT}?returnTo=%2Fsymbols`);
  });

  it('is stored, comes with recovery codes, signs in, and leads to where its user was going', async () => {
    const page = await visitor.get(ENROLMENT);
    expect(page.text).toContain('Use a passkey');
    const device = createSoftwareAuthenticator(server.origin);
    const { sealed, options } = await optionsOf(visitor);
    const done = await send(visitor, { sealed, credential: device.create(options), returnTo: '/symbols' });
    expect(done.status).toBe(200);
    expect(done.text.match(/<code>(?:[a-z2-9]{4}-){5}[a-z2-9]{4}<\/code>/g)).toHaveLength(10);
    expect(done.text).toContain('href="/symbols"');
    expect((await visitor.get('/symbols')).status).toBe(200);
    expect((await visitor.get('/profile/passkeys')).text).toContain('Phone');
    // Its other devices are told, by the notice that is stored.
    expect((await visitor.get('/dashboard')).text).not.toContain('A passkey was added');

    const { db } = server.infrastructure.database;
    const types = (await db.selectFrom('audit_log').select('type').orderBy('id').execute()).map(
      ({ type }) => type,
    );
    expect(types.slice(-2)).toEqual(['passkey.added', 'login.succeeded']);
    const next = createVisitor(server.origin);
    expect((await signInPage(next)).location).toBe('/auth/login/totp?returnTo=%2Fsymbols');
  });

  it('is refused without verification and for a challenge that was used, and nobody is signed in', async () => {
    const device = createSoftwareAuthenticator(server.origin);
    device.state.verifiesUser = false;
    const first = await optionsOf(visitor);
    const refused = await send(visitor, { sealed: first.sealed, credential: device.create(first.options) });
    expect([refused.status, refused.text]).toEqual([
      400,
      expect.stringContaining('The passkey could not be added. Try again.'),
    ]);
    device.state.verifiesUser = true;
    const again = await send(visitor, { sealed: first.sealed, credential: device.create(first.options) });
    expect([again.status, again.text]).toEqual([400, expect.stringContaining('longer than five minutes')]);
    expect((await visitor.get('/dashboard')).location).toContain('/auth/login');
    const second = await optionsOf(visitor);
    const done = await send(visitor, { sealed: second.sealed, credential: device.create(second.options) });
    expect(done.text).toContain('Your recovery codes');
  });

  it('is not stored where another browser was quicker: its factor is asked for', async () => {
    const quick = createVisitor(server.origin);
    await signInPage(quick);
    const [mine, theirs] = [await optionsOf(visitor), await optionsOf(quick)];
    const credential = createSoftwareAuthenticator(server.origin).create(theirs.options);
    expect((await send(quick, { sealed: theirs.sealed, credential })).status).toBe(200);
    const late = createSoftwareAuthenticator(server.origin).create(mine.options);
    const refused = await send(visitor, { sealed: mine.sealed, credential: late });
    expect(refused.location).toContain('/auth/login?reason=factor_enrolled');
    expect((await visitor.get('/dashboard')).location).toContain('/auth/login');
  });

  it('has no challenge for who is not between the password and the factor', async () => {
    expect((await optionsOf(createVisitor(server.origin))).httpStatus).toBe(404);
  });
});
