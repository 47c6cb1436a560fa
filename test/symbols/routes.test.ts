import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRoutePolicies } from '../../src/http/route-policy.ts';
import { MASTER_LIMITS } from '../../src/symbols/master-limits.ts';
import { SYMBOL_ROUTES } from '../../src/symbols/routes.ts';
import { eventually } from '../support/eventually.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { type FormPart, multipartBody, openForm, sendForm } from './form-request.ts';
import { sampleMasterText } from './sample-master.ts';

const IMPORTS = '/symbols/imports';
const FILE = { name: 'file', fileName: 'instruments.csv', content: sampleMasterText(1_500) } as const;

describe('the pages of symbols', () => {
  let server: TestServer;
  let admin: Visitor;

  beforeEach(async () => {
    server = await startTestServer();
    admin = createVisitor(server.origin);
    await setUp(admin);
    await signIn(admin);
  });
  afterEach(() => server.close());

  const url = (path = IMPORTS): string => server.origin + path;
  const send = (visitor: Visitor, parts: readonly FormPart[], path = IMPORTS) =>
    sendForm(url(path), visitor.sessionCookie(), parts);
  const token = async (visitor: Visitor = admin) => ({
    name: '_csrf',
    value: await visitor.csrfTokenOf('/dashboard'),
  });
  const records = () => server.services.symbols.imports.listLatest(10);

  async function importFile(file: FormPart = FILE): Promise<string> {
    const { status, location } = await send(admin, [await token(), file]);
    expect(status).toBe(303);
    await ended();
    return location;
  }

  async function ended(): Promise<void> {
    while ((await records()).some((record) => record.status === 'running')) await sleep(10);
  }

  async function addRavi(): Promise<Visitor> {
    const person = { username: 'ravi', email: 'ravi@example.org', password: PERSON.password };
    await server.services.accounts.userAdmin.create({ ...person, role: 'user' }, { actor: 'test' });
    const ravi = createVisitor(server.origin);
    await signIn(ravi, person);
    return ravi;
  }

  it('say what to do where nothing was imported', async () => {
    expect((await admin.get('/symbols')).text).toContain('no broker’s list of instruments was imported');
    expect((await admin.get('/symbols')).text).toContain(`href="${IMPORTS}"`);
    const { text } = await (await addRavi()).get('/symbols');
    expect(text).toContain('Ask an administrator');
    expect(text).not.toContain(IMPORTS);
  });

  it('import a file, show how that went, and let everybody search', async () => {
    const location = await importFile();
    const { text } = await admin.get(location);
    expect(text).toContain('The new list is in use');
    expect(text).toContain('instruments.csv');
    expect(text).not.toContain('http-equiv="refresh"');
    const ravi = await addRavi();
    const found = await ravi.get('/symbols?q=nifty+26+dec+25000+ce&exchange=nfo&type=CE');
    expect(found.text).toContain('NIFTY24DEC25000CE');
    expect(found.text).toContain('26 Dec 2024');
    expect(found.text).toContain('Results 1 to 1');
    expect(found.text).toMatch(/<option value="NFO" selected>/);
    expect((await ravi.get('/symbols?q=zzz')).text).toContain('No instrument has all of this');
    const audited = await server.infrastructure.database.db
      .selectFrom('audit_log')
      .select(['actor', 'detail'])
      .where('type', '=', 'symbols.imported')
      .execute();
    expect(audited).toEqual([{ actor: 'asha', detail: expect.stringContaining('"instruments":1500') }]);
  });

  it('have pages of results, with the search in their links', async () => {
    await importFile();
    const { text } = await admin.get('/symbols?q=nifty&exchange=NFO');
    expect(text).toContain('href="/symbols?q=nifty&amp;exchange=NFO&amp;page=2"');
    const second = await admin.get('/symbols?q=nifty&exchange=NFO&page=2');
    expect(second.text).toContain('Results 51 to 100');
    expect(second.text).toContain('page=1"');
    expect((await admin.get('/symbols?q=nifty&page=-1')).text).toContain('Results 1 to 50');
    expect((await admin.get('/symbols?q=a&q=b')).status).toBe(200);
  });

  it('write what was typed as text, and say when it is too long', async () => {
    await importFile();
    const { text } = await admin.get(`/symbols?q=${encodeURIComponent('"><script>alert(1)</script>')}`);
    expect(text).not.toContain('<script>alert');
    expect(text).toContain('&lt;script&gt;');
    expect((await admin.get(`/symbols?q=${'x'.repeat(101)}`)).text).toContain('at most 100 characters');
  });

  it('let nobody but administrators import', async () => {
    const ravi = await addRavi();
    const id = (await importFile()).split('/').at(-1);
    for (const path of [IMPORTS, `${IMPORTS}/${id}`, `/symbols/progress/${id}`])
      expect((await ravi.get(path)).status, path).toBe(403);
    expect((await send(ravi, [await token(ravi), FILE])).status).toBe(403);
    const nobody = createVisitor(server.origin);
    expect((await nobody.get(IMPORTS)).location).toContain('/auth/login');
    expect((await send(nobody, [{ name: '_csrf', value: 'x' }, FILE])).status).toBe(303);
    expect(await records()).toHaveLength(1);
  });

  it.each<readonly [string, (good: FormPart) => readonly FormPart[], string]>([
    ['without a token', () => [FILE], IMPORTS],
    ['with a wrong token', () => [{ name: '_csrf', value: 'wrong' }, FILE], IMPORTS],
    ['with the token behind the file', (good) => [FILE, good], IMPORTS],
    [
      'with the token as a file',
      (good) => [{ ...FILE, name: '_csrf', content: 'value' in good ? good.value : '' }, FILE],
      IMPORTS,
    ],
  ])('take no file %s', async (_what, parts, path) => {
    const answer = await send(admin, parts(await token()), path);
    expect(answer.status).toBe(403);
    expect(answer.text).toContain('The form could not be accepted');
    expect(await records()).toEqual([]);
  });

  it('take no token out of the address', async () => {
    const { value } = await token();
    expect((await send(admin, [FILE], `${IMPORTS}?_csrf=${value}`)).status).toBe(403);
    expect(
      (await send(admin, [{ name: '_csrf', value: '' }, FILE], `${IMPORTS}?_csrf=${value}`)).status,
    ).toBe(403);
  });

  it('take no file from another site, whatever its token', async () => {
    const parts = [await token(), FILE];
    const headers = { Origin: 'https://evil.example' };
    expect((await sendForm(url(), admin.sessionCookie(), parts, headers)).status).toBe(403);
    expect(await records()).toEqual([]);
  });

  it('check the token before they want any of the file', async () => {
    const whole = multipartBody([{ name: '_csrf', value: 'wrong' }, FILE]);
    const { req, answer } = openForm(url(), admin.sessionCookie(), {
      'Content-Length': String(whole.length),
    });
    // Up to the first letters of the file: of the rest nothing is sent before the answer is there.
    req.write(whole.subarray(0, whole.indexOf('instrument_token') + 8));
    expect((await answer).status).toBe(403);
    req.destroy();
    expect(await records()).toEqual([]);
  });

  it('refuse a second import while a file is still coming in, and end the first when it breaks off', async () => {
    const whole = multipartBody([await token(), FILE]);
    const { req, answer } = openForm(url(), admin.sessionCookie(), {
      'Content-Length': String(whole.length),
    });
    req.write(whole.subarray(0, 20_000));
    while ((await records()).length === 0) await sleep(10);
    const [first] = await records();
    // It lies in a file that has no name, so that nothing is left of it however this process ends.
    // Another test's file has a name for an instant.
    await eventually(() =>
      expect(readdirSync(tmpdir()).filter((name) => name.startsWith('curfew-upload-'))).toEqual([]),
    );
    const page = await admin.get(`${IMPORTS}/${first?.id}`);
    expect(page.text).toContain('Receiving the file');
    expect(page.text).toContain('<noscript><meta http-equiv="refresh" content="2"></noscript>');
    expect((await admin.get(`/symbols/progress/${first?.id}`)).body).toEqual({
      running: true,
      percent: 0,
      stageText: 'Receiving the file',
    });

    const second = await send(admin, [await token(), FILE]);
    expect(second.status).toBe(409);
    expect(second.text).toMatch(/Another import is running, which asha began at .* IST/);

    req.destroy();
    await answer.catch(() => undefined);
    await ended();
    expect(await records()).toMatchObject([
      { status: 'failed', problem: expect.stringContaining('broken off') },
    ]);
    await importFile();
  });

  it('keep the turn of an upload whose connection is silent for a while', async () => {
    const clock = createSettableClock('2026-11-23T10:00:00+05:30');
    const slow = await startTestServer({ clock });
    try {
      const visitor = createVisitor(slow.origin);
      await setUp(visitor);
      await signIn(visitor);
      const heard = async () =>
        (
          await slow.infrastructure.database.db
            .selectFrom('symbol_imports')
            .select('heard_at')
            .executeTakeFirst()
        )?.heard_at;
      const whole = multipartBody([await token(visitor), FILE]);
      const headers = { 'Content-Length': String(whole.length) };
      const { req, answer } = openForm(slow.origin + IMPORTS, visitor.sessionCookie(), headers);
      req.write(whole.subarray(0, 20_000));
      while ((await heard()) === undefined) await sleep(10);
      clock.advance(10_000);
      while ((await heard()) !== clock.now()) await sleep(50);
      clock.advance(10_000);
      const second = await sendForm(slow.origin + IMPORTS, visitor.sessionCookie(), [
        await token(visitor),
        FILE,
      ]);
      expect(second.status).toBe(409);
      req.end(whole.subarray(20_000));
      expect((await answer).status).toBe(303);
    } finally {
      await slow.close();
    }
  });

  it.each<readonly [string, readonly FormPart[], string]>([
    ['no file', [], 'Choose the file to import'],
    [
      'a file that was not chosen',
      [{ name: 'file', fileName: '', content: '' }],
      'Choose the file to import',
    ],
    ['a broker that nobody knows', [{ name: 'broker', value: 'nobody' }, FILE], 'Choose one of the brokers'],
  ])('say what is wrong: %s', async (_what, parts, words) => {
    const { status, text } = await send(admin, [await token(), ...parts]);
    expect(status).toBe(400);
    expect(text).toContain(words);
    expect(await records()).toEqual([]);
  });

  it('refuse a file that is too large: unread where it says so, and else as soon as it is', async () => {
    const { req, answer } = openForm(url(), admin.sessionCookie(), {
      'Content-Length': String(MASTER_LIMITS.fileBytes + 1024 * 1024),
    });
    req.flushHeaders();
    const told = await answer;
    expect([told.status, told.text.includes('it may have 64 MB')]).toEqual([413, true]);
    req.destroy();
    expect(await records()).toEqual([]);

    const content = Buffer.alloc(MASTER_LIMITS.fileBytes + 1, 'x');
    const silent = openForm(url(), admin.sessionCookie());
    silent.req.end(multipartBody([await token(), { ...FILE, content }]));
    expect((await silent.answer).status).toBe(413);
    await ended();
    expect(await records()).toMatchObject([
      { status: 'refused', problem: expect.stringContaining('too large') },
    ]);
  });

  it('refuse what is no form', async () => {
    const cookie = admin.sessionCookie();
    const withoutBoundary = await sendForm(url(), cookie, [], { 'Content-Type': 'multipart/form-data' });
    expect(withoutBoundary.status).toBe(400);
    const { req, answer } = openForm(url(), cookie);
    req.end('this is not a form');
    expect((await answer).status).toBe(400);
    const parts = [{ name: '__proto__', value: 'x' }, { name: 'constructor', value: 'y' }, FILE];
    expect((await send(admin, parts)).status).toBe(403);
    expect((await admin.submit(IMPORTS, { broker: '' })).status).toBe(400);
  });

  it('read multipart forms at this address and no other', async () => {
    const answer = await send(admin, [await token()], '/sessions/revocation');
    expect(answer.status).toBe(403);
  });

  it('show names of files as text, and bad lines with their numbers', async () => {
    const content = `${sampleMasterText(30)}1,2,3\n`;
    const location = await importFile({ name: 'file', fileName: '<img src=x>\t.csv', content });
    const { text } = await admin.get(location);
    expect(text).not.toContain('<img src=x');
    expect(text).toContain('&lt;img src=x&gt;');
    expect(text).toContain('Line 32: it has 3 columns and not 12');
    expect((await admin.get(IMPORTS)).text).toContain('&lt;img src=x&gt;');
  });

  it('say why a file was refused', async () => {
    const location = await importFile({ ...FILE, content: 'a,b\n1,2\n' });
    expect((await admin.get(location)).text).toContain('is not the column names of an instrument master');
  });

  it('know no import of another name', async () => {
    expect((await admin.get(`${IMPORTS}/nothing`)).status).toBe(404);
    expect((await admin.get('/symbols/progress/nothing')).status).toBe(404);
  });

  it('ask for progress without counting as use of the session', () => {
    const find = createRoutePolicies(SYMBOL_ROUTES);
    expect(find('/symbols/progress/an-id').class).toBe('poll');
    for (const path of ['/symbols', IMPORTS, `${IMPORTS}/an-id`]) expect(find(path).class).toBeUndefined();
  });
});
