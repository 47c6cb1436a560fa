import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { generateTotpSecret } from '../../../src/accounts/second-factor/totp.ts';
import { MINUTE_MS } from '../../../src/core/duration.ts';
import { ROUTE_POLICIES } from '../../../src/route-policies.ts';
import { totpCode } from '../../support/totp-code.ts';
import { createVisitor, keptFormIn, PERSON, signIn, type Visitor } from '../../support/visitor.ts';
import { LINK_WORLDS, type LinkWorld, ORIGIN, openLinkWorld } from '../link-world.ts';

const CODE = '/auth/login/totp';
const CONFIRM = '/auth/confirm';
const FACTOR = '/profile/second-factor';

/** What asks for the second factor, from the rows themselves. */
const ROWS = ROUTE_POLICIES.filter(({ reauthenticate }) => reauthenticate?.factor);
const pathsFor = (method: 'get' | 'post'): string[] =>
  ROWS.filter(({ reauthenticate }) => reauthenticate?.[method] !== undefined).map(({ path }) =>
    path.replaceAll(/:\w+/g, 'x'),
  );

describe.each(LINK_WORLDS)('What is done to second factors, on %s,', (_name, open) => {
  let world: LinkWorld;
  let ashaId: string;
  /** Signed in by the password, before there was a factor. */
  let early: Visitor;
  let secret: string;
  let recoveryCodes: readonly string[];

  beforeAll(async () => {
    world = await openLinkWorld(open);
    ashaId = (await world.first.services.users.findByUsername(PERSON.username))?.id ?? '';
  });
  afterAll(() => world.close());

  beforeEach(async () => {
    await factors().reset(ashaId, ORIGIN);
    // Each code counts once.
    world.clock.advance(MINUTE_MS);
    early = createVisitor(world.last.origin);
    await signIn(early);
    secret = generateTotpSecret();
    recoveryCodes = await enrol(ashaId, secret);
    world.clock.advance(MINUTE_MS);
  });

  const factors = () => world.first.services.accounts.secondFactor;
  const codeNow = () => totpCode(secret, world.clock.now());
  const confirm = (who: Visitor, code: string) =>
    who.submit(CONFIRM, { password: PERSON.password, code, returnTo: FACTOR });
  const sendTo = async (who: Visitor, path: string, fields: Record<string, string> = {}) =>
    who.post(path, { ...fields, _csrf: await who.csrfTokenOf('/settings') }, { Origin: world.last.origin });
  const codesLeft = async () => (await factors().stateOf(ashaId)).recoveryCodesLeft;

  async function enrol(userId: string, of: string): Promise<readonly string[]> {
    const code = totpCode(of, world.clock.now());
    const enrolled = await factors().enrol({ userId, secret: of }, code, ORIGIN);
    if (enrolled.kind !== 'enrolled') throw new Error(enrolled.kind);
    return enrolled.recoveryCodes;
  }

  async function signInWith(code: string): Promise<Visitor> {
    const visitor = createVisitor(world.last.origin);
    await signIn(visitor);
    expect((await visitor.submit(CODE, { code })).location).toBe('/dashboard');
    return visitor;
  }

  it('covers enrolling, removing and renewing, the email address, and resets by administrators', () => {
    expect(ROWS.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        FACTOR,
        `${FACTOR}/removal`,
        `${FACTOR}/recovery-codes`,
        '/profile/passkeys',
        '/profile/passkeys/:id/removal',
        '/profile/email',
        '/users/:id/factors',
      ]),
    );
  });

  it('asks a session that signed in by the password alone for the factor that was set up elsewhere', async () => {
    for (const path of pathsFor('get'))
      expect((await early.get(path)).location, path).toBe(
        `${CONFIRM}?${new URLSearchParams({ returnTo: path })}`,
      );
    for (const path of pathsFor('post')) expect(keptFormIn(await sendTo(early, path)), path).toBeDefined();
    expect((await early.get(CONFIRM)).text).toContain('name="code"');
    expect((await confirm(early, '')).status).toBe(403);
    expect((await early.get(FACTOR)).status).toBe(303);
    expect(await factors().stateOf(ashaId)).toMatchObject({
      enrolledAt: expect.any(Number),
      recoveryCodesLeft: 10,
    });
    // Nothing else asks for more than the password of that minute.
    expect((await early.get('/users/new')).status).toBe(200);
  });

  it('is carried out behind the password and a code, or a recovery code', async () => {
    const removal = keptFormIn(await sendTo(early, `${FACTOR}/removal`)) ?? '';
    const fields = { password: PERSON.password, keptForm: removal };
    expect((await sendTo(early, CONFIRM, fields)).status).toBe(403);
    const confirmed = await sendTo(early, CONFIRM, { ...fields, code: recoveryCodes[0] ?? '' });
    expect([confirmed.status, confirmed.location]).toEqual([307, `${FACTOR}/removal`]);
    expect(await factors().has(ashaId)).toBe(true);
    expect((await sendTo(early, `${FACTOR}/removal`, fields)).location).toBe(`${FACTOR}?notice=removed`);
    expect(await factors().has(ashaId)).toBe(false);
  });

  it('counts a code for ten minutes, at the sign-in and where it is asked for again', async () => {
    const shown = [await signInWith(codeNow()), await signInWith(recoveryCodes[0] ?? ''), early];
    world.clock.advance(MINUTE_MS);
    expect((await confirm(early, codeNow())).location).toBe(FACTOR);
    for (const visitor of shown) expect((await visitor.get(FACTOR)).text).toContain('Recovery codes left');
    world.clock.advance(9 * MINUTE_MS - 1);
    for (const visitor of shown) expect((await visitor.get(FACTOR)).status).toBe(200);
    world.clock.advance(1);
    for (const visitor of shown.slice(0, 2)) expect((await visitor.get(FACTOR)).status).toBe(303);
    expect((await early.get(FACTOR)).status).toBe(200);
    world.clock.advance(MINUTE_MS);
    expect(keptFormIn(await sendTo(early, `${FACTOR}/recovery-codes`))).toBeDefined();
    expect(await codesLeft()).toBe(9);
  });

  it('has an administrator show a factor of their own before they reset another user’s', async () => {
    const { ravi } = world;
    await factors().reset(ravi.id, ORIGIN);
    await enrol(ravi.id, generateTotpSecret());
    const path = `/users/${ravi.id}/factors`;
    expect(keptFormIn(await sendTo(early, path))).toBeDefined();
    expect(await factors().has(ravi.id)).toBe(true);
    await confirm(early, codeNow());
    expect((await sendTo(early, path)).location).toBe(`/users/${ravi.id}?notice=factors_reset`);
    expect(await factors().has(ravi.id)).toBe(false);
  });

  it('asks a user for none who has none, and not for the one that was set up a moment ago', async () => {
    await factors().reset(ashaId, ORIGIN);
    const page = await early.get(FACTOR);
    const sealed = /name="sealed" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    secret = (/<code>([A-Z2-7 ]{39})<\/code>/.exec(page.text)?.[1] ?? '').replaceAll(' ', '');
    const enrolled = await sendTo(early, FACTOR, { sealed, code: codeNow() });
    expect(enrolled.text).toContain('Your recovery codes');
    expect((await early.get(FACTOR)).text).toContain('Recovery codes left');
  });
});
