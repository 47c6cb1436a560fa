import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { MORNING } from './broker-world.ts';
import { createFakeAdapter } from './fake-adapter.ts';
import { connectFake, createFakeBroker, type FakeBroker, goToFakeBroker } from './fake-broker.ts';

const KEYS = { apiKey: 'public-key-1234', apiSecret: 'marker-of-the-secret' };
const PAGE = '/broker/fake/credentials';

describe('The page for app keys', () => {
  let server: TestServer;
  let visitor: Visitor;
  let broker: FakeBroker;
  let usedWith: unknown[];

  beforeEach(async () => {
    const clock = createSettableClock(MORNING);
    usedWith = [];
    broker = createFakeBroker(clock, {
      needsStaticAddress: true,
      credentialFields: [
        { name: 'apiKey', label: 'API key', secret: false, help: 'Under My apps.' },
        { name: 'apiSecret', label: 'API secret', secret: true, help: 'Beside the key.' },
      ],
      developerPage: 'https://broker.example/apps',
      async exchange({ credentials }) {
        usedWith.push(credentials);
        return broker.grant();
      },
    });
    const plain = createFakeAdapter({ id: 'plain' });
    server = await startTestServer({ clock, adapters: [broker.adapter, plain] });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
  });
  afterEach(() => server.close());

  const save = (keys: Record<string, string> = KEYS) => visitor.submit(PAGE, keys);
  const stored = () =>
    server.infrastructure.database.db.selectFrom('broker_credentials').selectAll().execute();
  const types = async () =>
    (
      await server.infrastructure.database.db.selectFrom('audit_log').select('type').orderBy('id').execute()
    ).map((row) => row.type);

  it('is where a broker without its keys leads to, and the card says so', async () => {
    const brokers = await visitor.get('/broker');
    expect(brokers.text).toContain(`href="${PAGE}"`);
    expect(brokers.text).not.toContain('action="/broker/fake/connection"');
    const answer = await visitor.post(
      '/broker/fake/connection',
      { _csrf: await visitor.csrfTokenOf('/auth/logout') },
      { Origin: server.origin },
    );
    expect(answer.location).toBe(`${PAGE}?notice=needed`);
    expect((await visitor.get(answer.location)).text).toContain('Enter your app keys first');
  });

  it('shows the redirect URL, and reminds of the static address where the broker wants one', async () => {
    const page = await visitor.get(PAGE);
    expect(page.text).toContain(`${server.origin}/auth/broker/fake/callback`);
    expect(page.text).toContain('static address');
    expect(page.text).toContain('API secret');
    expect(page.text).toContain('href="https://broker.example/apps"');
  });

  it('says of each key where the broker shows it, and of which one the end will be seen', async () => {
    const { text } = await visitor.get(PAGE);
    expect(text).toMatch(/id="apiKey-hint">Under My apps\./);
    expect(text).toMatch(/id="apiSecret-hint">Beside the key\./);
    expect(text).toContain('but for the end of the API key');
  });

  it('takes the keys, uses them, and never shows them again', async () => {
    const saved = await save();
    expect(saved.location).toBe('/broker?notice=credentials_saved');
    expect(JSON.stringify(await stored())).not.toMatch(/marker|public-key/);
    const page = await visitor.get(PAGE);
    expect(page.text).toContain('Set on');
    expect(page.text).toContain('Fri 20 Nov 2026, 09:15:00 IST');
    expect(page.text).toContain('ending in …1234');
    expect(page.text).not.toMatch(/marker|public-key/);
    expect((await connectFake(visitor)).location).toBe('/broker?notice=connected');
    expect(usedWith).toEqual([KEYS]);
    expect(await types()).toContain('broker.credentials_saved');
    expect(server.logText()).not.toMatch(/marker|public-key/);
  });

  it('shows the form again with what is wrong, without the secret', async () => {
    const answer = await save({ apiKey: 'has a space', apiSecret: KEYS.apiSecret });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('no spaces');
    expect(answer.text).toContain('value="has a space"');
    expect(answer.text).not.toContain(KEYS.apiSecret);
    expect((await save({ apiKey: KEYS.apiKey })).text).toContain('Enter the API secret.');
    expect((await save({ ...KEYS, apiKey: 'x'.repeat(501) })).status).toBe(400);
    expect(await stored()).toEqual([]);
  });

  it('takes along no space from copying', async () => {
    await save({ apiKey: ` ${KEYS.apiKey}\t`, apiSecret: `${KEYS.apiSecret} ` });
    await connectFake(visitor);
    expect(usedWith).toEqual([KEYS]);
  });

  it('keeps the keys of a connection for as long as it lasts', async () => {
    await save();
    await connectFake(visitor);
    const page = await visitor.get(PAGE);
    expect(page.text).toContain('disconnect first');
    expect(page.text).not.toContain('name="apiSecret"');
    await visitor.submit(PAGE, { ...KEYS, apiSecret: 'another' });
    await visitor.submit(`${PAGE}/removal`, {}, PAGE);
    expect(await server.services.brokers.overview.of((await stored())[0]?.user_id ?? '')).toMatchObject([
      { id: 'fake', connected: true, credentials: 'set' },
      { id: 'plain', credentials: 'none_needed' },
    ]);
    await visitor.submit('/broker/fake/disconnection', {}, PAGE);
    expect((await visitor.submit(`${PAGE}/removal`, {}, PAGE)).location).toBe(`${PAGE}?notice=removed`);
    expect(await stored()).toEqual([]);
    expect(await types()).toContain('broker.credentials_removed');
  });

  it('connects nothing when the keys went while the broker was asked', async () => {
    await save();
    const callback = await goToFakeBroker(visitor);
    await visitor.submit(`${PAGE}/removal`, {}, PAGE);
    const answer = await visitor.get(callback);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('The app keys are gone');
    expect(usedWith).toEqual([]);
  });

  it('is not there for a broker that wants no keys, nor for one that is not there', async () => {
    expect((await visitor.get('/broker/plain/credentials')).status).toBe(404);
    expect((await visitor.get('/broker/nobody/credentials')).status).toBe(404);
  });

  it('is nobody else’s', async () => {
    await save();
    await server.services.accounts.userAdmin.create(
      { username: 'ravi', email: 'ravi@example.org', role: 'user', password: 'another-monsoon-77' },
      { actor: 'cli' },
    );
    const ravi = createVisitor(server.origin);
    await signIn(ravi, { username: 'ravi', password: 'another-monsoon-77' });
    expect((await ravi.get(PAGE)).text).not.toContain('Set on');
    expect((await createVisitor(server.origin).get(PAGE)).status).toBe(303);
  });
});
