import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApiKeyStore } from '../../src/api/api-key-store.ts';
import { MOST_KEYS_OF_A_PERSON } from '../../src/api/api-keys.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { createApiClient, makeKey } from './api-client.ts';

const STORED_KEY = {
  secretHash: 'hash',
  scopes: ['session:read'],
  expiresAt: undefined,
  addresses: { primary: undefined, secondary: undefined },
} as const;

describe('the pages of API keys', () => {
  let clock: SettableClock;
  let server: TestServer;
  let admin: Visitor;

  beforeEach(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    server = await startTestServer({
      clock,
      env: { SESSION_EXPIRY_TIME: 'off', SESSION_IDLE_TIMEOUT: 'off' },
    });
    admin = createVisitor(server.origin);
    await setUp(admin);
    await signIn(admin);
  });
  afterEach(() => server.close());

  async function addRavi(): Promise<Visitor> {
    await server.services.accounts.userAdmin.create(
      { username: 'ravi', email: 'ravi@example.org', role: 'user', password: PERSON.password },
      { actor: 'test' },
    );
    const ravi = createVisitor(server.origin);
    await signIn(ravi, { ...PERSON, username: 'ravi' });
    return ravi;
  }
  const make = (visitor: Visitor, fields: Readonly<Record<string, string | readonly string[]>>) =>
    visitor.submit('/api-keys', fields, '/api-keys/new');
  const events = async () => {
    const { db } = server.infrastructure.database;
    const rows = await db.selectFrom('audit_log').select(['type', 'actor']).orderBy('id').execute();
    return rows
      .filter(({ type }) => type.startsWith('api_key.'))
      .map(({ type, actor }) => `${type} by ${actor}`);
  };

  test('are for people who are signed in', async () => {
    const stranger = createVisitor(server.origin);
    for (const path of ['/api-keys', '/api-keys/new', '/api-keys/everybody'])
      expect((await stranger.get(path)).location).toMatch(/^\/auth\/login\?reason=login_required/);
    expect((await stranger.post('/api-keys', { name: 'x', scopes: 'session:read' })).status).toBe(303);
  });

  test('show a new key once, to nobody but its owner, and to no cache', async () => {
    const answer = await make(admin, {
      name: 'Bot',
      scopes: ['session:read', 'broker:token'],
      expiry: '30d',
    });
    expect(answer.status).toBe(201);
    expect(answer.headers['cache-control']).toBe('no-store');
    const key = /id="api-key">([^<]+)</.exec(answer.text)?.[1] ?? '';
    const id = key.split('_')[1] ?? '';
    for (const path of ['/api-keys', `/api-keys/${id}`, '/api-keys/everybody']) {
      const { status, text } = await admin.get(path);
      expect(status).toBe(200);
      expect(text).toContain(`cfw_${id}_`);
      expect(text).not.toContain(key);
    }
    expect((await admin.get(`/api-keys/${id}`)).text).toContain('Wed 23 Dec 2026, 10:00:00 IST');
    expect(await events()).toEqual(['api_key.created by asha']);
  });

  test('do not make a second key when the answer is loaded again', async () => {
    await make(admin, { name: 'Bot', scopes: 'session:read' });
    const again = await make(admin, { name: 'Bot', scopes: 'session:read' });
    expect(again.status).toBe(400);
    expect(again.text).toContain('You have a key of this name');
    expect(again.text).not.toContain('cfw_');
  });

  test.each([
    [{ name: '', scopes: 'session:read' }, 'Enter a name.'],
    [{ name: 'x'.repeat(61), scopes: 'session:read' }, 'at most 60'],
    [{ name: 'a\u202eb', scopes: 'session:read' }, 'letters, digits and signs'],
    [{ name: 'Bot' }, 'Tick at least one'],
    [{ name: 'Bot', scopes: 'orders:write' }, 'Tick at least one'],
    [{ name: 'Bot', scopes: 'session:read', expiry: '1000d' }, 'Choose when'],
    [{ name: 'Bot', scopes: 'session:read', primary: '0.0.0.0/0' }, 'no wider than /8'],
    [{ name: 'Bot', scopes: 'session:read', primary: 'my-server.example' }, 'Enter one address'],
    [{ name: 'Bot', scopes: 'session:read', secondary: '203.0.113.7' }, 'Enter the primary address first'],
    [
      { name: 'Bot', scopes: 'session:read', primary: '203.0.113.7', secondary: '::ffff:203.0.113.7' },
      'primary address already',
    ],
  ])('refuse %j and keep what was typed', async (fields, words) => {
    const answer = await make(admin, fields);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(words);
    if (fields.name === 'Bot') expect(answer.text).toContain('value="Bot"');
    if ('scopes' in fields && fields.scopes === 'session:read')
      expect(answer.text).toMatch(/value="session:read"[^>]* checked/);
    expect(await events()).toEqual([]);
  });

  test('let nobody have more keys than a page can show', async () => {
    const { id } = await server.infrastructure.database.db
      .selectFrom('users')
      .select('id')
      .executeTakeFirstOrThrow();
    const rows = Array.from({ length: MOST_KEYS_OF_A_PERSON }, (_, index) => ({
      id: `key-${index}`,
      user_id: id,
      name: `Key ${index}`,
      secret_hash: 'hash',
      scopes: 'session:read',
      created_at: index,
    }));
    await server.infrastructure.database.db
      .insertInto('api_keys')
      .values(
        rows.map((row) => ({
          ...row,
          expires_at: null,
          revoked_at: null,
          address_primary: null,
          address_secondary: null,
          addresses_changed_at: null,
          last_used_at: null,
          last_used_address: null,
        })),
      )
      .execute();
    expect((await admin.get('/api-keys')).text).toContain('as many keys as one person may have');
    const answer = await make(admin, { name: 'One more', scopes: 'session:read' });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('Revoke one that is not used any more');
  });

  test('let the addresses be changed once in seven days, say when again, and take no shorter way', async () => {
    const { id } = await makeKey(admin);
    const change = (primary: string) =>
      admin.submit(`/api-keys/${id}/addresses`, { primary, secondary: '' }, '/settings');

    expect((await change('203.0.113.7')).location).toBe(`/api-keys/${id}?notice=addresses_changed`);
    expect((await change('203.0.113.7')).location).toBe(`/api-keys/${id}?notice=addresses_unchanged`);
    const page = await admin.get(`/api-keys/${id}`);
    expect(page.text).toContain('Mon 30 Nov 2026, 10:00:00 IST');
    expect(page.text).not.toContain(`/api-keys/${id}/addresses`);

    clock.advance(7 * DAY_MS - 1);
    await admin.submit('/auth/confirm', { password: PERSON.password });
    const tooSoon = await change('203.0.113.8');
    expect(tooSoon.status).toBe(409);
    expect(tooSoon.text).toContain('seven days have not passed');
    clock.advance(1);
    expect((await change('203.0.113.8')).status).toBe(303);
    const wrong = await change('nowhere');
    expect(wrong.status).toBe(400);
    expect(await events()).toEqual([
      'api_key.created by asha',
      'api_key.addresses_changed by asha',
      'api_key.addresses_changed by asha',
    ]);
  });

  test('refuse other addresses for a new key within the week, though the old key is revoked, and say when', async () => {
    const { id } = await makeKey(admin, { primary: '203.0.113.7' });
    const question = await admin.get(`/api-keys/${id}/revocation`);
    expect(question.text).toContain('This cannot be undone.');
    await admin.submit(`/api-keys/${id}/revocation`, {}, `/api-keys/${id}/revocation`);
    const wish = { name: 'Bot', scopes: 'session:read' };
    const refused = await make(admin, { ...wish, primary: '203.0.113.8' });
    expect(refused.status).toBe(409);
    expect(refused.text).toContain(
      'Your registered addresses, 203.0.113.7, can be changed once in seven days',
    );
    expect(refused.text).toContain('from Mon 30 Nov 2026, 10:00:00 IST');
    expect(refused.text).toContain('value="203.0.113.8"');
    expect((await admin.get('/api-keys')).text).toContain('You have no API key yet');
    expect((await make(admin, { ...wish, primary: '203.0.113.7' })).status).toBe(201);

    const free = await makeKey(admin);
    const page = (await admin.get(`/api-keys/${free.id}`)).text;
    expect(page).toContain(`/api-keys/${free.id}/addresses`);
    expect(page).toContain('Mon 30 Nov 2026, 10:00:00 IST');
    await admin.submit(`/api-keys/everybody/${free.id}/address-release`, {}, '/api-keys/everybody');
    expect((await make(admin, { ...wish, name: 'Other', primary: '203.0.113.8' })).status).toBe(201);
  });

  test('let an administrator lift the wait for one change', async () => {
    const ravi = await addRavi();
    const { id } = await makeKey(ravi, { primary: '203.0.113.7' });
    const change = (primary: string) =>
      ravi.submit(`/api-keys/${id}/addresses`, { primary, secondary: '' }, '/api-keys/new');
    expect((await change('203.0.113.8')).status).toBe(409);

    const release = `/api-keys/everybody/${id}/address-release`;
    expect((await ravi.submit(release, {}, '/api-keys/new')).status).toBe(403);
    expect((await change('203.0.113.8')).status).toBe(409);
    expect((await admin.submit(release, {}, '/api-keys/everybody')).status).toBe(303);
    expect((await change('203.0.113.8')).status).toBe(303);
    expect((await change('203.0.113.9')).status).toBe(409);
    expect(await events()).toContain('api_key.address_wait_lifted by asha');
  });

  test('list everybody’s by owner in pages of 50, and find them by name or owner', async () => {
    const ravi = await addRavi();
    await makeKey(ravi, { name: 'Zero 100%' });
    const { database } = server.infrastructure;
    const { id: userId } = await database.db
      .selectFrom('users')
      .select('id')
      .where('username', '=', 'asha')
      .executeTakeFirstOrThrow();
    const store = createApiKeyStore(database);
    for (let each = 10; each < 65; each += 1)
      await store.insert({ ...STORED_KEY, id: `Key${each}7Hq2xT9`, userId, name: `Bot ${each}` }, each);
    const namesOn = async (query: string): Promise<readonly string[]> =>
      [...(await admin.get(`/api-keys/everybody${query}`)).text.matchAll(/class="cut">([^<]+) </g)].map(
        ([, name = '']) => name.trim(),
      );
    const first = await namesOn('');
    expect([first.length, first[0]]).toEqual([50, 'Bot 10']);
    expect((await admin.get('/api-keys/everybody')).text).toContain('1 to 50 of 56, by owner');
    expect(await namesOn('?page=2')).toEqual(['Bot 60', 'Bot 61', 'Bot 62', 'Bot 63', 'Bot 64', 'Zero 100%']);
    expect(await namesOn('?q=RAV')).toEqual(['Zero 100%']);
    expect(await namesOn('?q=100%25')).toEqual(['Zero 100%']);
    expect(await namesOn('?q=ot+6')).toHaveLength(5);
    expect((await admin.get('/api-keys/everybody?q=nobody')).text).toContain('Show all keys');
  });

  test('keep people’s keys apart, and let an administrator end anybody’s', async () => {
    const ravi = await addRavi();
    const his = await makeKey(ravi, { name: 'His' });
    const hers = await makeKey(admin, { name: 'Hers' });
    for (const path of ['', '/addresses', '/revocation']) {
      const answer =
        path === ''
          ? await ravi.get(`/api-keys/${hers.id}`)
          : await ravi.submit(`/api-keys/${hers.id}${path}`, {}, '/api-keys/new');
      expect(answer.status).toBe(404);
    }
    expect((await ravi.get('/api-keys')).text).not.toContain('Hers');
    expect((await ravi.get('/api-keys/everybody')).status).toBe(403);
    const client = createApiClient(server.origin, his.key);
    expect((await client.ask('/api/v1/session')).status).toBe(200);
    expect((await admin.get('/api-keys/everybody')).text).toMatch(/His[\s\S]*ravi/);
    await admin.submit(`/api-keys/everybody/${his.id}/revocation`, {}, '/api-keys/everybody');
    expect((await client.ask('/api/v1/session')).status).toBe(401);
    expect((await ravi.get(`/api-keys/${his.id}`)).status).toBe(404);
    expect(await events()).toContain('api_key.revoked by asha');
  });

  test('want the token of the form for every change', async () => {
    const { id } = await makeKey(admin);
    for (const path of [
      '/api-keys',
      `/api-keys/${id}/addresses`,
      `/api-keys/${id}/revocation`,
      `/api-keys/everybody/${id}/revocation`,
      `/api-keys/everybody/${id}/address-release`,
    ])
      expect((await admin.post(path, { name: 'x', scopes: 'session:read' })).status).toBe(403);
    expect(await events()).toEqual(['api_key.created by asha']);
  });
});
