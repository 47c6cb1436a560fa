import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS, MINUTE_MS } from '../../src/core/duration.ts';
import { MOST_STRATEGIES } from '../../src/strategies/strategies.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import {
  connectSandbox,
  createVisitor,
  keptFormIn,
  PERSON,
  setUp,
  signIn,
  type Visitor,
} from '../support/visitor.ts';
import { importKnownSymbols } from './known-symbols.ts';
import { MONDAY_MORNING } from './strategy-world.ts';
import { addPerson, makeStrategy, STRATEGY_FORM, send, webhookOf } from './trader.ts';

describe('The pages of strategies', () => {
  let clock: SettableClock;
  let server: TestServer;
  let visitor: Visitor;

  beforeEach(async () => {
    clock = createSettableClock(MONDAY_MORNING);
    server = await startTestServer({ clock, env: { SESSION_IDLE_TIMEOUT: 'off' } });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
  });
  afterEach(() => server.close());

  const make = (fields = {}, options?: { on: boolean }) => makeStrategy(visitor, fields, options);
  const db = () => server.infrastructure.database.db;

  async function events(): Promise<readonly Record<string, unknown>[]> {
    const rows = await db()
      .selectFrom('audit_log')
      .select(['type', 'detail', 'actor'])
      .where('type', 'like', 'strategy.%')
      .orderBy('id')
      .execute();
    return rows.map(({ detail, actor }) => ({ ...JSON.parse(detail), actor }));
  }

  it('show what there is, and lead from a first strategy to its webhook', async () => {
    expect((await visitor.get('/strategies')).text).toContain('You have no strategy yet');
    const { path, webhook } = await make({}, { on: false });
    expect(webhook).toMatch(new RegExp(`^${server.origin}/api/v1/webhooks/[A-Za-z0-9_-]{32}$`));
    const page = (await visitor.get(`${path}?notice=created`)).text;
    for (const shown of ['Breakout', 'switched off', 'Practice broker', 'Mon to Sun, 00:00 to 24:00 IST'])
      expect(page).toContain(shown);
    expect(await webhookOf(visitor, path)).toBe(webhook);
    const list = (await visitor.get('/strategies')).text;
    expect(list).toContain('NSE:SBIN');
    expect(list).toContain('Switch on');
  });

  it('change a strategy, and say what is wrong with a form without losing what was typed', async () => {
    await importKnownSymbols(server.services);
    const { path } = await make();
    const edit = (await visitor.get(`${path}/edit`)).text;
    expect(edit).toContain('value="NSE:SBIN"');
    const wrong = await visitor.submit(path, {
      ...STRATEGY_FORM,
      name: 'A <b>new</b> name',
      symbol: ['NSE:SBIN', 'NIFTY'],
      quantity: ['10', '75'],
      product: ['MIS', 'NRML'],
      days: ['tue'],
    });
    expect(wrong.status).toBe(400);
    expect(wrong.text).toContain('href="#symbol-1"');
    expect(wrong.text).toContain('value="A &lt;b&gt;new&lt;/b&gt; name"');
    expect(wrong.text).toContain('value="NIFTY"');
    expect(wrong.text).toMatch(/value="NRML" selected/);

    const options = {
      ...STRATEGY_FORM,
      name: 'Options',
      symbol: 'nfo:nifty26dec25000ce',
      product: 'NRML',
      days: ['tue', 'thu'],
      start: '09:15',
      end: '15:30',
    };
    const unfit = await visitor.submit(path, { ...options, quantity: '100' });
    expect(unfit.status).toBe(400);
    expect(unfit.text).toContain('is traded in lots of 75: enter a multiple of 75.');
    const ambiguous = await visitor.submit(path, { ...options, symbol: 'NSE:IMC1', quantity: '1' });
    expect(ambiguous.status).toBe(400);
    expect(ambiguous.text).toContain('the name of several instruments. Enter one of NSE:14219, NSE:14224.');

    const saved = await visitor.submit(path, { ...options, quantity: '150' });
    expect(saved).toMatchObject({ status: 303, location: `${path}?notice=saved` });
    const page = (await visitor.get(path)).text;
    for (const shown of ['Options', 'NFO:NIFTY26DEC25000CE', 'Tue, Thu, 09:15 to 15:30 IST'])
      expect(page).toContain(shown);
    expect(await server.services.strategies.listStrategies(await userId())).toMatchObject([
      {
        name: 'Options',
        active: true,
        symbols: [{ exchange: 'NFO', quantity: 150, product: 'NRML' }],
        window: { days: ['tue', 'thu'], start: '09:15', end: '15:30' },
      },
    ]);
  });

  it('want the password again before a strategy trades more, and not before it trades less', async () => {
    await importKnownSymbols(server.services);
    const { path } = await make();
    clock.advance(30 * MINUTE_MS);
    const save = (fields: object) => visitor.submit(path, { ...STRATEGY_FORM, ...fields }, `${path}/edit`);
    for (const wider of [{ quantity: '11' }, { product: 'CNC' }, { symbol: 'NSE:INFY' }]) {
      const asked = await save(wider);
      expect(keptFormIn(asked)).toBeDefined();
      expect(asked.text).toContain('<strong>Save a strategy</strong>');
    }
    expect((await save({ quantity: '9' })).location).toBe(`${path}?notice=saved`);
    expect((await save({ quantity: '9', days: ['mon'], end: '15:30' })).location).toBe(
      `${path}?notice=saved`,
    );
    for (const wider of [
      { quantity: '10', days: ['mon'], end: '15:30' },
      { quantity: '9', days: ['mon', 'tue'], end: '15:30' },
      { quantity: '9', days: ['mon'], end: '15:31' },
    ])
      expect(keptFormIn(await save(wider))).toBeDefined();
    expect(keptFormIn(await visitor.submit(`${path}/activation`, {}, path))).toBeDefined();
    expect(keptFormIn(await visitor.submit(`${path}/webhook`, {}, path))).toBeDefined();
    const off = await visitor.submit(`${path}/deactivation`, {}, path);
    expect(off.location).toBe(`${path}?notice=deactivated`);
    const [strategy] = await server.services.strategies.listStrategies(await userId());
    expect(strategy).toMatchObject({
      active: false,
      symbols: [{ quantity: 9 }],
      window: { days: ['mon'], end: '15:30' },
    });
    await visitor.submit('/auth/confirm', { password: PERSON.password });
    expect((await save({ quantity: '1000000' })).location).toBe(`${path}?notice=saved`);
  });

  it('ask about a symbol that is in no list of instruments, and keep the rest of the form', async () => {
    const symbol = ['NSE:SBIN', '', 'nse:sbinn'];
    const [quantity, product] = [
      ['10', '', '7'],
      ['MIS', 'MIS', 'CNC'],
    ];
    await importKnownSymbols(server.services);
    const { path } = await make();
    for (const address of ['/strategies', path]) {
      const page = address === path ? `${path}/edit` : '/strategies/new';
      const answer = await visitor.submit(address, { ...STRATEGY_FORM, symbol, quantity, product }, page);
      expect(answer.status).toBe(400);
      expect(answer.text).toContain('href="#symbol-2"');
      expect(answer.text).toMatch(/id="symbol-2-error".*NSE:SBINN is not in the instrument list/);
      expect(answer.text).toContain('value="nse:sbinn"');
    }
    expect((await server.services.strategies.listStrategies(await userId())).length).toBe(1);
    // Looking one up leaves the form as it is.
    expect((await visitor.get('/strategies/new')).text).toContain('<a href="/symbols" target="_blank">');
  });

  it('let the rest be changed where a contract has ended, and say that its signals are refused', async () => {
    await importKnownSymbols(server.services);
    const contract = { symbol: 'NFO:NIFTY26DEC25000CE', quantity: '75', product: 'NRML' };
    const { path } = await make(contract);
    expect((await visitor.get(path)).text).not.toContain('notice-bad');
    await importKnownSymbols(server.services, 'NIFTY26DEC25000CE');
    const saved = await visitor.submit(
      path,
      { ...STRATEGY_FORM, ...contract, name: 'Later' },
      `${path}/edit`,
    );
    expect(saved.location).toBe(`${path}?notice=saved`);
    const page = (await visitor.get(path)).text;
    expect(page).toContain('Every signal for <strong>NFO:NIFTY26DEC25000CE</strong> is refused');
  });

  it('say that nothing can be traded while no list of instruments was imported', async () => {
    const { path } = await make({ symbol: 'NSE:ANYTHING' });
    const page = (await visitor.get(path)).text;
    expect(page).toContain('No broker’s list of instruments was imported here, so every signal is refused.');
    expect(page).toContain('<a href="/symbols/imports">Import one</a>');
  });

  it('switch on and off, make a new webhook, delete; and write each act down', async () => {
    await connectSandbox(visitor);
    await importKnownSymbols(server.services);
    const { id, path, webhook } = await make({}, { on: false });
    for (const act of ['activation', 'activation', 'deactivation', 'activation']) {
      const done = await visitor.submit(`${path}/${act}`, {}, path);
      expect(done.location).toMatch(new RegExp(`^${path}\\?notice=(de)?activated$`));
    }
    expect((await send(webhook)).status).toBe(200);

    await visitor.submit(`${path}/webhook`, {}, path);
    const next = await webhookOf(visitor, path);
    expect(next).not.toBe(webhook);
    expect((await send(webhook)).status).toBe(404);
    expect((await send(next)).status).toBe(200);

    const question = await visitor.get(`${path}/deletion`);
    expect(question.text).toContain('Delete Breakout?');
    expect((await visitor.get(path)).status).toBe(200);
    const gone = await visitor.submit(`${path}/deletion`, {}, `${path}/deletion`);
    expect(gone.location).toBe('/strategies?notice=deleted');
    expect((await send(next)).status).toBe(404);
    expect((await visitor.get(path)).status).toBe(404);
    expect((await visitor.get('/strategies')).text).not.toContain('Breakout');

    const strategy = { id, name: 'Breakout' };
    expect(
      (await events()).map(({ type, actor, strategy: named, what }) => [type, actor, named, what]),
    ).toEqual([
      ['strategy.created', 'asha', strategy, undefined],
      ['strategy.activated', 'asha', strategy, undefined],
      ['strategy.deactivated', 'asha', strategy, undefined],
      ['strategy.activated', 'asha', strategy, undefined],
      ['strategy.changed', 'asha', strategy, 'webhook_address'],
      ['strategy.deleted', 'asha', strategy, undefined],
    ]);
  });

  it('are as unknown to another person as if there were nothing', async () => {
    const { path } = await make();
    const { visitor: other, person } = await addPerson(server.origin, server.services.accounts.userAdmin);
    await signIn(other, person);
    const before = await db().selectFrom('strategies').selectAll().execute();
    for (const page of ['', '/edit', '/webhook', '/deletion'])
      expect((await other.get(path + page)).status, page).toBe(404);
    for (const act of [
      '/activation',
      '/deactivation',
      '/webhook',
      '/signing-secret',
      '/signing-secret/removal',
      '/allowed-addresses',
      '/deletion',
    ]) {
      const answer = await other.submit(path + act, { preset: 'tradingview' }, '/strategies/new');
      expect(answer.status, act).toBe(404);
    }
    expect((await other.submit(path, STRATEGY_FORM, '/strategies/new')).status).toBe(404);
    expect((await other.get('/strategies')).text).toContain('You have no strategy yet');
    expect(await db().selectFrom('strategies').selectAll().execute()).toEqual(before);
    expect((await events()).map(({ type }) => type)).toEqual(['strategy.created', 'strategy.activated']);
  });

  it('are guarded, and do nothing without the form’s token', async () => {
    const { path } = await make();
    const stranger = createVisitor(server.origin);
    for (const page of ['/strategies', path, `${path}/edit`])
      expect((await stranger.get(page)).location).toMatch(/^\/auth\/login\?reason=login_required/);
    const forged = await visitor.post(`${path}/deactivation`, {}, { Origin: server.origin });
    expect(forged.status).toBe(403);
    expect((await visitor.get(`${path}/deactivation`)).status).toBe(405);
    expect(await db().selectFrom('strategies').select('active').execute()).toEqual([{ active: 1 }]);
  });

  it('offer nothing to make where the server has no broker', async () => {
    await server.close();
    server = await startTestServer({ clock, adapters: [], env: { SESSION_IDLE_TIMEOUT: 'off' } });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    const list = (await visitor.get('/strategies')).text;
    expect(list).toContain('No broker is set up on this server');
    expect(list).not.toContain('/strategies/new');
    expect((await visitor.get('/strategies/new')).status).toBe(404);
  });

  it('have room for a bounded number', async () => {
    const { id } = await make();
    const row = await db()
      .selectFrom('strategies')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    const copies = Array.from({ length: MOST_STRATEGIES - 1 }, (_, each) => ({
      ...row,
      id: `copy-${each}`,
      webhook_digest: `digest-${each}`,
    }));
    await db().insertInto('strategies').values(copies).execute();
    expect((await visitor.get('/strategies')).text).toContain('which is the most');
    const answer = await visitor.submit('/strategies', STRATEGY_FORM, '/dashboard');
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('You have 50 strategies');
  });

  it('keep the webhook and the signing secret encrypted, and take them along when the key is changed', async () => {
    const { path, webhook } = await make();
    await visitor.submit(`${path}/signing-secret`, {}, path);
    const [row] = await db().selectFrom('strategies').selectAll().execute();
    expect(row?.webhook_id).toMatch(/^gAAAAA/);
    expect(row?.signing_secret).toMatch(/^gAAAAA/);
    expect(JSON.stringify(row)).not.toContain(webhook.split('/').at(-1));
    const report = await server.services.keyRotation.run({ actor: 'cli' });
    const ours = report.filter(({ column }) => column.table === 'strategies');
    expect(ours).toMatchObject([
      { column: { column: 'webhook_id' }, current: 1, unreadable: 0 },
      { column: { column: 'signing_secret' }, current: 1, unreadable: 0 },
    ]);
  });

  it('say so when no key reads the webhook any more, and make a new one', async () => {
    const { path } = await make();
    await db().updateTable('strategies').set({ webhook_id: 'gAAAAAnonsense' }).execute();
    expect((await visitor.get(path)).text).toContain('cannot be read any more');
    await visitor.submit(`${path}/webhook`, {}, path);
    expect(await webhookOf(visitor, path)).toContain('/api/v1/webhooks/');
  });

  it('forget signals when they are old, and those of deleted strategies', async () => {
    await connectSandbox(visitor);
    await importKnownSymbols(server.services);
    const { path, webhook } = await make();
    await send(webhook);
    const other = await make({ name: 'Other' });
    await send(other.webhook);
    await visitor.submit(`${other.path}/deletion`, {}, `${other.path}/deletion`);
    const { tidying } = server.services.strategies;
    expect(await tidying.run()).toBe(1);
    expect(await db().selectFrom('strategies').select('name').execute()).toEqual([{ name: 'Breakout' }]);
    clock.advance(30 * DAY_MS);
    expect(await tidying.run()).toBe(0);
    clock.advance(1);
    expect(await tidying.run()).toBe(1);
    await signIn(visitor);
    expect((await visitor.get(path)).text).toContain('None yet');
  });

  async function userId(): Promise<string> {
    return (await db().selectFrom('users').select('id').executeTakeFirstOrThrow()).id;
  }
});
