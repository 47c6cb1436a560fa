import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLoginLimiter } from '../../../src/accounts/login-limiter.ts';
import { createSecondFactor, type SecondFactor } from '../../../src/accounts/second-factor/second-factor.ts';
import { generateTotpSecret } from '../../../src/accounts/second-factor/totp.ts';
import { createUserStore } from '../../../src/accounts/user-store.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../src/core/duration.ts';
import { type Database, openDatabase } from '../../../src/storage/database.ts';
import { createKeyRing } from '../../../src/storage/key-ring.ts';
import { createSettableClock } from '../../support/settable-clock.ts';
import { startTestServer, TEST_SECRETS, type TestServer } from '../../support/test-server.ts';
import { totpCode } from '../../support/totp-code.ts';
import { createVisitor, PERSON, setUp, type Visitor } from '../../support/visitor.ts';
import { createRecordingAudit } from '../recording-audit.ts';

const GUESSES = 10_000;
const START = '2026-11-20T12:00:00+05:30';
const origin = { actor: 'asha' };

/** Another one for each `turn`: one that is sent twice in a sign-in may be a form that was. */
const wrongAt = (secret: string, at: number, turn = 0) =>
  String((Number(totpCode(secret, at)) + 1 + turn) % 1_000_000).padStart(6, '0');

describe('ten thousand wrong codes of a stranger who knows the password', () => {
  const clock = createSettableClock(START);
  const secret = generateTotpSecret();
  let database: Database;
  let secondFactor: SecondFactor;
  let userId = '';

  beforeEach(async () => {
    // Limits count by this clock, codes by the other one.
    vi.useFakeTimers({ toFake: ['performance'] });
    clock.set(START);
    database = await openDatabase({ dialect: 'sqlite', file: ':memory:' });
    const person = { username: 'asha', email: 'a@example.com', passwordHash: 'hash', role: 'user' } as const;
    const made = await createUserStore({ database, clock }).createUser(person);
    if (made.kind !== 'created') throw new Error(made.kind);
    userId = made.user.id;
    const keyRing = createKeyRing({ keys: [TEST_SECRETS.ENCRYPTION_KEY], clock });
    const audit = createRecordingAudit();
    secondFactor = createSecondFactor({ database, keyRing, redis: undefined, clock, audit, rule: 'all' });
    await secondFactor.enrol({ userId, secret }, totpCode(secret, clock.now()), origin);
    advance(MINUTE_MS);
  });
  afterEach(async () => {
    vi.useRealTimers();
    await database.close();
  });

  function advance(ms: number): void {
    clock.advance(ms);
    vi.advanceTimersByTime(ms);
  }

  const check = (code: string, isKnown: boolean) =>
    secondFactor.check(userId, code, { isKnownDevice: async () => isKnown, at: clock.now(), origin });

  it('come to ten that are looked at in an hour and fifty in a day, and the owner’s own device gets in', async () => {
    const lookedAt: number[] = [];
    const startedAt = clock.now();
    for (let guess = 0; guess < GUESSES; guess += 1) {
      const { kind } = await check(wrongAt(secret, clock.now()), false);
      expect(['wrong', 'limited']).toContain(kind);
      if (kind === 'wrong') lookedAt.push(clock.now() - startedAt);
      if (guess % 1000 === 999)
        expect((await check(totpCode(secret, clock.now()), true)).kind, `after ${guess}`).toBe('accepted');
      advance(DAY_MS / (GUESSES + 1));
    }
    expect(lookedAt).toHaveLength(50);
    for (let hour = 0; hour < 24; hour += 1)
      expect(
        lookedAt.filter((at) => at >= hour * HOUR_MS && at < (hour + 1) * HOUR_MS).length,
      ).toBeLessThanOrEqual(10);
    // Not even the right one, from a device that is not known.
    expect((await check(totpCode(secret, clock.now()), false)).kind).toBe('limited');
  });

  it('come to as many attempts of one address as LOGIN_RATE_LIMIT says, whatever it is that they try', async () => {
    const limiter = createLoginLimiter({
      limits: [
        { points: 5, durationSeconds: 60 },
        { points: 25, durationSeconds: 3600 },
      ],
    });
    const attempt = { address: '203.0.113.9', usernameKey: 'asha', device: undefined };
    let admitted = 0;
    for (let guess = 0; guess < GUESSES; guess += 1) {
      if ((await limiter.admit(attempt)).kind === 'taken') admitted += 1;
      advance(HOUR_MS / GUESSES);
    }
    expect(admitted).toBe(25);
    expect((await limiter.admit({ ...attempt, device: 'the owner’s' })).kind).toBe('taken');
  });
});

describe('wrong codes over HTTP, of a stranger who knows the password and has many addresses', () => {
  const clock = createSettableClock(START);
  const secret = generateTotpSecret();
  let server: TestServer;
  /** With a browser that they signed in with before. */
  let owner: Visitor;

  beforeAll(async () => {
    const limits = { LOGIN_RATE_LIMIT: '5/minute,25/hour', PUBLIC_RATE_LIMIT: '600/minute' };
    const env = { ...limits, SECOND_FACTOR: 'all', SESSION_EXPIRY_TIME: 'off', TRUST_PROXY: '127.0.0.1' };
    server = await startTestServer({ clock, env });
    await setUp(createVisitor(server.origin));
    const user = await server.services.users.findByUsername(PERSON.username);
    const account = { userId: user?.id ?? '', secret };
    await server.services.accounts.secondFactor.enrol(account, totpCode(secret, clock.now()), origin);
    clock.advance(MINUTE_MS);
    owner = createVisitor(server.origin);
    await ownerSignsIn();
  });
  afterAll(() => server.close());

  async function ownerSignsIn(): Promise<void> {
    await owner.submit('/auth/login', PERSON);
    const entered = await owner.submit('/auth/login/totp', { code: totpCode(secret, clock.now()) });
    expect(entered.location).toBe('/dashboard');
    await owner.submit('/auth/logout', {}, '/auth/logout');
    clock.advance(MINUTE_MS);
  }

  /** Password first, then codes, each from one address; answers the statuses of the codes. */
  async function guess(
    address: string,
    code: (each: number) => string,
    times: number,
  ): Promise<readonly number[]> {
    const visitor = createVisitor(server.origin);
    const headers = { Origin: server.origin, 'X-Forwarded-For': address };
    const send = async (path: string, fields: Record<string, string>, page: string) =>
      visitor.post(path, { ...fields, _csrf: await visitor.csrfTokenOf(page) }, headers);
    const begun = await send('/auth/login', PERSON, '/auth/login');
    expect(begun.location).toBe('/auth/login/totp');
    const statuses = [];
    for (let each = 0; each < times; each += 1)
      statuses.push((await send('/auth/login/totp', { code: code(each) }, '/auth/login/totp')).status);
    return statuses;
  }

  it('are looked at ten times, and refused from then on; the owner gets in with a device that is known', async () => {
    const statuses = [];
    for (let address = 0; address < 8; address += 1)
      statuses.push(
        ...(await guess(`198.51.100.${address}`, (each) => wrongAt(secret, clock.now(), each), 4)),
      );
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    expect(statuses.slice(10).every((status) => status === 429)).toBe(true);
    expect(await guess('192.0.2.7', () => totpCode(secret, clock.now()), 1)).toEqual([429]);

    await ownerSignsIn();
  });

  it('of which the same is sent ten thousand times are few that are looked at and written down', async () => {
    const check = vi.spyOn(server.services.accounts.secondFactor, 'check');
    const { db } = server.infrastructure.database;
    const rows = async () =>
      (await db.selectFrom('audit_log').select('id').where('type', '=', 'login.failed').execute()).length;
    const before = await rows();
    const stranger = createVisitor(server.origin);
    const from = { Origin: server.origin, 'X-Forwarded-For': '203.0.113.77' };
    await stranger.post('/auth/login', { ...PERSON, _csrf: await stranger.csrfTokenOf('/auth/login') }, from);
    const body = new URLSearchParams({
      code: wrongAt(secret, clock.now()),
      _csrf: await stranger.csrfTokenOf('/auth/login/totp'),
    });
    const Cookie = ['curfew', 'curfew-pending'].map((name) => `${name}=${stranger.cookie(name)}`).join('; ');
    const headers = { ...from, Cookie, Accept: 'application/json' };
    const statuses = new Map<number, number>();
    /** Of so many connections at once a busy machine breaks some off: what got no answer is sent again. */
    async function send(): Promise<void> {
      const answer = await fetch(`${server.origin}/auth/login/totp`, { method: 'POST', body, headers }).catch(
        () => undefined,
      );
      if (answer === undefined) return send();
      await answer.arrayBuffer();
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    }
    // Past PUBLIC_RATE_LIMIT 500 at a time wait for a second, and the others are refused at once.
    const atOnce = 2000;
    const startedAt = performance.now();
    for (let sent = 0; sent < GUESSES; sent += atOnce)
      await Promise.all(Array.from({ length: atOnce }, send));

    // LOGIN_RATE_LIMIT lets five past in each minute that this took.
    const most = 5 * (1 + Math.ceil((performance.now() - startedAt) / MINUTE_MS));
    expect(check.mock.calls.length).toBeLessThanOrEqual(most);
    expect(statuses.get(429) ?? 0).toBeGreaterThanOrEqual(GUESSES - most);
    expect((await rows()) - before).toBeLessThan(2 * most);
    await ownerSignsIn();
  }, 120_000);
});
