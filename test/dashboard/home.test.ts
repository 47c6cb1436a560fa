import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
    expect(before.text).toContain('<a class="button button-main" href="/setup">Make the first account</a>');
    await setUp(visitor);
    const after = await visitor.get('/');
    expect(after.text).not.toContain('href="/setup"');
    expect(after.text).toContain('<a class="button button-main" href="/auth/login">Sign in</a>');
  });

  it.each(['/', '/api'])(
    'at %s lead to what is behind them and to the way in, without a session',
    async (path) => {
      const visitor = createVisitor(server.origin);
      await setUp(visitor);
      await signIn(visitor);
      // The same for everybody: nobody's session was looked at.
      const [signedIn, stranger] = [await visitor.get(path), await createVisitor(server.origin).get(path)];
      expect(signedIn.text).toBe(stranger.text);
      const header = headerOf(signedIn.text);
      expect(header).toContain('<a class="button button-quiet" href="/dashboard">Dashboard</a>');
      expect(header).toContain('<a class="button button-quiet" href="/auth/login">Sign in</a>');
      expect((await visitor.get('/auth/login')).location).toBe('/dashboard');
      // Strangers need not know which faults to try.
      expect((await visitor.get('/dashboard')).text).toContain(`<p>Curfew ${VERSION}. All times`);
      expect(stranger.text).toContain('<p>Curfew. All times');
    },
  );
});
