import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSettableClock } from '../../support/settable-clock.ts';
import { MORNING } from '../broker-world.ts';
import { createPaisaAdapter } from './example-adapter.ts';

const PROJECT = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(PROJECT, path), 'utf8');

describe('The adapter that docs/brokers.md explains', () => {
  it('is the one that is checked here, but for where it stands', () => {
    const [, shown] = /```ts\n([\s\S]*?)```/.exec(read('docs/brokers.md')) ?? [];
    const checked = read('test/broker/adapters/example-adapter.ts')
      .replaceAll("'../../../src/broker/adapters/", "'./")
      .replaceAll("'../../../src/broker/", "'../")
      .replaceAll("'../../../src/core/", "'../../core/");
    expect(shown).toBe(checked);
  });

  it('sends people to its broker', async () => {
    const adapter = createPaisaAdapter({ clock: createSettableClock(MORNING) });
    const credentials = { key: 'k', secret: 's' };
    const redirectUri = 'https://curfew.example/auth/broker/paisa/callback';
    const start = { credentials, state: 'the-state', redirectUri, codeChallenge: '' };
    const result = await adapter.startAuthorization(start);
    expect(result).toMatchObject({ kind: 'redirect' });
    if (result.kind === 'redirect') expect(result.url.searchParams.get('state')).toBe('the-state');
  });
});
