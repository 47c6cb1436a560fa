import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { VERSION } from '../../src/version.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn } from '../support/visitor.ts';

describe('The pages for anyone', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startTestServer();
  });
  afterEach(() => server.close());

  const headerOf = (page: string): string => /<header[\s\S]*<\/header>/.exec(page)?.[0] ?? '';

  it('lead to the first account while there is none, and then to signing in', async () => {
    const visitor = createVisitor(server.origin);
    const before = await visitor.get('/');
    expect(before.text).toContain('<a class="button button-main" href="/setup">Create the first account</a>');
    await setUp(visitor);
    const after = await visitor.get('/');
    expect(after.text).not.toContain('href="/setup"');
    expect(after.text).toContain('<a class="button button-main" href="/auth/login">Sign in</a>');
  });

  it('at / shows the signed-in header to a signed-in person, and counts as no activity', async () => {
    const visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    const page = await visitor.get('/');
    expect(headerOf(page.text)).toContain('Sign out');
    expect(page.text).toContain('<a class="button button-main" href="/dashboard">Open the dashboard</a>');
    const stranger = await createVisitor(server.origin).get('/');
    expect(headerOf(stranger.text)).toContain('href="/auth/login"');
    expect(stranger.headers['set-cookie']).toBeUndefined();
  });

  it('let a second sign-in form in another tab lead on once the first one has signed in', async () => {
    const visitor = createVisitor(server.origin);
    await setUp(visitor);
    const second = {
      username: 'asha',
      password: 'anything',
      _csrf: await visitor.csrfTokenOf('/auth/login'),
    };
    await signIn(visitor);
    const answer = await visitor.post('/auth/login', { ...second, returnTo: '/broker' });
    expect([answer.status, answer.location]).toEqual([303, '/broker']);
  });

  it('let another tab know that the person signed out, and not that a page wants a sign-in', async () => {
    const visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    const cookie = visitor.sessionCookie();
    await visitor.submit('/auth/logout', {}, '/dashboard');
    visitor.useSessionCookie(cookie);
    const script = await visitor.get('/auth/session', { Accept: 'application/json' });
    expect([script.status, script.body]).toEqual([
      401,
      expect.objectContaining({ error: 'login_required', reason: 'logged_out' }),
    ]);
    expect((await visitor.get('/auth/login?reason=logged_out')).text).toContain('You are signed out.');
    visitor.useSessionCookie(cookie);
    expect((await visitor.get('/dashboard')).location).toBe(
      '/auth/login?reason=login_required&returnTo=%2Fdashboard',
    );
  });

  it('at / is a stranger’s where the session store does not answer', async () => {
    const visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    const { passiveStore } = server.infrastructure.sessionStorage;
    vi.spyOn(passiveStore, 'get').mockImplementation((_sid, done) => done(new Error('down')));
    const page = await visitor.get('/');
    expect([page.status, headerOf(page.text).includes('href="/auth/login"')]).toEqual([200, true]);
  });

  it('at /api do the same, and show strangers no version', async () => {
    const visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    const header = headerOf((await visitor.get('/api')).text);
    expect(header).toContain('Sign out');
    expect(header).toContain('href="/api-keys"');
    const stranger = await createVisitor(server.origin).get('/api');
    expect(headerOf(stranger.text)).toContain(
      '<a class="button button-quiet" href="/auth/login">Sign in</a>',
    );
    expect(stranger.headers['set-cookie']).toBeUndefined();
    expect((await visitor.get('/auth/login')).location).toBe('/dashboard');
    // Strangers need not know which faults to try.
    expect((await visitor.get('/dashboard')).text).toContain(`<p>Curfew ${VERSION}. All times`);
    expect(stranger.text).toContain('<p>Curfew. All times');
  });

  it('at /api take a session that is over for none', async () => {
    const visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    const cookie = visitor.sessionCookie();
    await visitor.submit('/auth/logout', {}, '/dashboard');
    visitor.useSessionCookie(cookie);
    expect(headerOf((await visitor.get('/api')).text)).toContain('href="/auth/login"');
  });
});
