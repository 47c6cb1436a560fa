import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DAY_MS } from '../../src/core/duration.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { type BannedWorld, createBannedWorld } from './banned-world.ts';

const OTHER = { username: 'ravi', password: 'long-quiet-evening-77', email: 'ravi@example.org' } as const;

describe('the pages about bans', () => {
  let world: BannedWorld;
  let admin: Visitor;
  let person: Visitor;

  beforeAll(async () => {
    world = await createBannedWorld(1, {});
    admin = createVisitor(world.first.origin);
    await setUp(admin);
    await signIn(admin);
    const { userAdmin } = world.first.services.accounts;
    await userAdmin.create({ ...OTHER, role: 'user' }, { actor: 'test' });
    person = createVisitor(world.first.origin);
    await signIn(person, OTHER);
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    const { db } = world.first.infrastructure.database;
    for (const table of ['bans', 'trusted_addresses'] as const) await db.deleteFrom(table).execute();
    await world.passOverEvents();
  });

  const ban = (address: string, more = {}) =>
    admin.submit(
      '/security/bans',
      { address, length: '24h', note: 'Noisy', confirmed: 'yes', ...more },
      '/security/bans/new',
    );
  const idOf = async (address: string) =>
    (await world.first.services.bans.banStore.findBySubject(address, 0))?.id;

  const PLACES = [
    '/security/bans',
    '/security/bans/new',
    '/security/bans/import',
    '/security/bans/export.csv',
    '/security/bans/export.json',
    '/security/bans/1/lifting',
    '/security/allow-list',
    '/security/allow-list/removal?block=1',
    '/security/thresholds',
  ];

  test.each(PLACES)('%s is for administrators', async (path) => {
    expect((await person.get(path)).status).toBe(403);
    expect((await createVisitor(world.first.origin).get(path)).location).toMatch(/^\/auth\/login/);
  });

  test('nobody else can send their forms either', async () => {
    for (const path of [
      '/security/bans',
      '/security/bans/1/lifting',
      '/security/allow-list',
      '/security/allow-list/removal',
      '/security/thresholds',
    ]) {
      expect((await person.submit(path, { address: '203.0.113.1' }, '/dashboard')).status).toBe(403);
    }
    expect(await world.events('ban.added')).toEqual([]);
  });

  test('the way to them is on every page of an administrator, and on no other', async () => {
    expect((await admin.get('/dashboard')).text).toContain('href="/security"');
    expect((await person.get('/dashboard')).text).not.toContain('href="/security"');
    expect((await admin.get('/security')).text).toContain('href="/security/bans"');
  });

  test('a ban by hand is one page away from being there', async () => {
    const asked = await ban('203.0.113.1', { confirmed: '' });
    expect(asked.status).toBe(200);
    expect(asked.text).toContain('for 24 hours');
    expect(asked.text).not.toContain('Export CSV');
    expect(await idOf('203.0.113.1')).toBeUndefined();

    expect((await ban('203.0.113.1')).location).toBe('/security/bans?notice=banned');
    expect((await admin.get('/security/bans')).text).toMatch(
      /203\.0\.113\.1[\s\S]*Banned by hand[\s\S]*asha[\s\S]*Noisy/,
    );
    expect(await world.statuses('/', '203.0.113.1')).toEqual([403]);
    expect(await world.events('ban.added')).toMatchObject([
      { subject: '203.0.113.1', reason: 'manual', note: 'Noisy', until: world.clock.now() + DAY_MS },
    ]);
  });

  test('before a permanent ban the list can be exported, and a ban that is there is named', async () => {
    await ban('203.0.113.1');
    const asked = await ban('203.0.113.1', { confirmed: '', length: 'permanent' });
    expect(asked.text).toContain('Export CSV');
    expect(asked.text).toContain('takes the place of that ban');
  });

  test('nobody bans the address that they are using, the proxy, or this machine', async () => {
    await world.first.services.bans.bans.addToAllowlist({ block: '127.0.0.1', note: 'x' }, { actor: 'test' });
    for (const [address, words] of [
      ['127.0.0.1', /this machine itself/],
      ['::1', /this machine itself/],
      ['nowhere', /Enter one address/],
      ['203.0.113.0/24', /Enter one address/],
    ] as const) {
      const answer = await ban(address);
      expect(answer.status).toBe(400);
      expect(answer.text).toMatch(words);
    }
    const token = await admin.csrfTokenOf('/security/bans/new');
    const headers = { Origin: world.first.origin, 'X-Forwarded-For': '203.0.113.50' };
    const fields = { address: '203.0.113.50', length: '24h', confirmed: 'yes', _csrf: token };
    const own = await admin.post('/security/bans', fields, headers);
    expect(own.status).toBe(400);
    expect(own.text).toContain('would lock you out');
    expect(own.text).toContain('value="203.0.113.50"');
    expect(await world.events('ban.added')).toEqual([]);
  });

  test('a ban is lifted after a question, and its offences are forgotten where that is ticked', async () => {
    const { bans, banStore } = world.first.services.bans;
    await bans.banOffender('203.0.113.1', 'invalid_api_keys');
    const path = `/security/bans/${await idOf('203.0.113.1')}/lifting`;
    const question = await admin.get(path);
    expect(question.text).toContain('Forget its offence as well');
    expect(question.text).toContain('1st offence');
    expect((await admin.submit(path, { forget: 'yes' })).location).toBe('/security/bans?notice=lifted');
    expect(await world.statuses('/auth/login', '203.0.113.1')).toEqual([200]);
    expect(await banStore.countOffences('203.0.113.1')).toBe(0);
    expect((await admin.get(path)).location).toBe('/security/bans?notice=over');
    expect(await world.events('ban.lifted')).toMatchObject([{ subject: '203.0.113.1', forgotten: true }]);
  });

  test('trusted addresses come with a note and go after a question', async () => {
    const wrong = await admin.submit('/security/allow-list', { block: '0.0.0.0/0', note: '' });
    expect(wrong.status).toBe(400);
    expect(wrong.text).toMatch(/no wider than \/8[\s\S]*Enter whose address it is/);
    await admin.submit('/security/allow-list', { block: '203.0.113.9/28', note: 'Office <b>' });
    const page = await admin.get('/security/allow-list');
    expect(page.text).toContain('203.0.113.0/28');
    expect(page.text).toContain('Office &lt;b&gt;');
    const removal = '/security/allow-list/removal?block=203.0.113.0%2F28';
    await admin.submit('/security/allow-list/removal', { block: '203.0.113.0/28' }, removal);
    expect((await admin.get('/security/allow-list')).text).toContain('The allowlist is empty');
    expect(await world.events('allowlist.changed')).toMatchObject([
      { after: { block: '203.0.113.0/28' } },
      { before: { block: '203.0.113.0/28' } },
    ]);
  });

  test('thresholds that make no sense are refused at their fields, and keep what was typed', async () => {
    const answer = await admin.submit('/security/thresholds', {
      keysCount: '0',
      keysWindow: '1h',
      pathsCount: 'many',
      pathsWindow: 'never',
      length1: '1w',
      length2: '24h',
      length3: '1w',
      length4: 'permanent',
      patterns: '/dash*',
    });
    expect(answer.status).toBe(400);
    for (const words of [
      'from 1 to 200',
      'a whole number',
      'one of the windows',
      'shorter than',
      'Curfew’s own',
    ])
      expect(answer.text).toContain(words);
    expect(answer.text).toContain('value="many"');
    expect((await admin.get('/security/thresholds?defaults=yes')).text).toContain('These are the defaults');
  });

  test('alert thresholds are saved on their own, recorded, and kept when those for bans change', async () => {
    const alerts = {
      slowMs: '500',
      failedPercent: '10',
      refusedPercent: '60',
      addresses: '2',
      eventLoopMs: '150',
      droppedRows: '5',
      revocationMinutes: '7',
    };
    const save = (fields: Readonly<Record<string, string>>) =>
      admin.submit('/security/thresholds/alerts', fields, '/security/thresholds');
    expect((await save(alerts)).location).toBe('/security/thresholds?notice=saved');
    expect((await save(alerts)).location).toBe('/security/thresholds?notice=unchanged');
    expect(await world.events('thresholds.changed')).toMatchObject([
      { before: { alerts: { slowMs: 1000, revocationMinutes: 2 } }, after: { alerts: { slowMs: 500 } } },
    ]);
    const { bans } = world.first.services.bans;
    await bans.changeRules({ suspiciousPaths: ['/x'] }, { actor: 'test' });
    const { text } = await admin.get('/security/thresholds');
    expect(text).toMatch(/<option value="500" selected>/);
    expect(text).toMatch(/name="revocationMinutes"[^>]*value="7"/s);
    expect(text).toContain('>/x</textarea>');

    const refused = await save({ ...alerts, slowMs: '7', addresses: '0', failedPercent: 'few' });
    expect(refused.status).toBe(400);
    for (const words of [
      'one of the times',
      'from 1 to 30',
      'a whole number',
      'value="few"',
      '>/x</textarea>',
    ])
      expect(refused.text).toContain(words);
    expect((await person.submit('/security/thresholds/alerts', alerts, '/dashboard')).status).toBe(403);
  });

  const upload = async (content: string, name = 'bans.csv', length = '1w', headers = {}) => {
    const form = new FormData();
    form.set('_csrf', await admin.csrfTokenOf('/security/bans/import'));
    form.set('length', length);
    form.set('file', new Blob([content]), name);
    const answer = await fetch(`${world.first.origin}/security/bans/import`, {
      method: 'POST',
      body: form,
      redirect: 'manual',
      headers: {
        Accept: 'text/html',
        Origin: world.first.origin,
        Cookie: `curfew=${admin.sessionCookie()}`,
        ...headers,
      },
    });
    return { status: answer.status, text: await answer.text() };
  };

  test('a file is imported, what is wrong in it is named, and the export gives it back', async () => {
    await ban('203.0.113.1');
    const answer = await upload('address,note\n203.0.113.1,again\n203.0.113.2,new\n127.0.0.1,me\nrubbish,\n');
    expect(answer.status).toBe(200);
    expect(answer.text).toMatch(/1 address is\s+banned now/);
    expect(answer.text).toContain('1 more was banned already');
    expect(answer.text).toContain('127.0.0.1 stands for this machine itself');
    expect(answer.text).toContain('Line 5 is no address');
    expect(await world.statuses('/', '203.0.113.2')).toEqual([403]);

    const csv = await admin.get('/security/bans/export.csv');
    expect(csv.headers['content-type']).toMatch(/^text\/csv/);
    expect(csv.headers['content-disposition']).toMatch(/attachment; filename="curfew-bans-2026-11-23.csv"/);
    expect(csv.text.split('\r\n')).toHaveLength(4);
    const json = await admin.get('/security/bans/export.json');
    expect(json.body).toMatchObject({
      bans: [{ address: '203.0.113.1', note: 'Noisy' }, { address: '203.0.113.2' }],
    });
    expect(await world.events('bans.imported')).toMatchObject([{ added: 1, known: 1, refused: 1 }]);
  });

  test('a file that would lock out whoever sends it is not imported at all', async () => {
    const own = { 'X-Forwarded-For': '203.0.113.50' };
    const answer = await upload('203.0.113.49\n203.0.113.50\n', 'x', '24h', own);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('would lock you out');
    expect(await idOf('203.0.113.49')).toBeUndefined();
  });

  test('neither another kind of file, nor no file, nor one that is too large', async () => {
    expect((await upload('PK\u0003\u0004\u0000', 'bans.csv')).text).toContain('ZIP or Excel file');
    expect((await upload('<!doctype html><p>Sign in</p>', 'bans.csv')).text).toContain('a web page');
    expect((await upload('', '')).text).toContain('Choose the file');
    expect((await upload('203.0.113.3\n', 'x', 'forever')).text).toContain('Choose how long');
    expect((await upload('1'.repeat(6 * 1024 * 1024), 'x')).status).toBe(413);
  });

  test('ten thousand bans have pages and can be searched', async () => {
    const many = Array.from({ length: 10_000 }, (_, index) => ({
      subject: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
      note: '',
      until: Number.POSITIVE_INFINITY,
    }));
    await world.first.services.bans.bans.importAll(many, { actor: 'test' });
    for (const path of [
      '/security/bans',
      '/security/bans?page=200',
      '/security/bans?q=10.0.39.&reason=imported',
    ]) {
      const { page, ms } = await fastest(() => admin.get(path));
      expect(ms).toBeLessThan(200);
      expect(page.text.match(/>Lift</g)?.length).toBeGreaterThan(10);
    }
    expect((await admin.get('/security/bans')).text).toContain('1 to 50 of 10,000');
    expect((await admin.get('/security/bans?page=2&q=10.0')).text).toMatch(
      /href="\/security\/bans\?q=10\.0&amp;page=3"/,
    );
    expect((await admin.get('/security/bans?page=9999')).text).toContain('There are no more bans');
    expect((await admin.get('/security/bans?q=nothing')).text).toContain('No ban fits this search');
    expect((await admin.get('/security/bans?page=-1&page=x&q=%00&reason=__proto__')).status).toBe(200);
  });
});

/** Of a few: other tests run at the same time. */
async function fastest<T>(load: () => Promise<T>): Promise<{ readonly page: T; readonly ms: number }> {
  let ms = Number.POSITIVE_INFINITY;
  let page = await load();
  for (let round = 0; round < 5; round += 1) {
    const startedAt = performance.now();
    page = await load();
    ms = Math.min(ms, performance.now() - startedAt);
  }
  return { page, ms };
}
