import type { ApiScope } from '../../src/api/api-scope.ts';
import type { TestServer } from '../support/test-server.ts';

export interface KeyOptions {
  readonly scopes?: readonly string[];
  readonly addresses?: { readonly primary?: string; readonly secondary?: string };
  /** In ms since the Unix epoch. */
  readonly expiresAt?: number;
}

let count = 0;

/** Makes a key without the page. */
export async function issueKey(
  { services }: TestServer,
  userId: string,
  { scopes = ['feed:read'], addresses = {}, expiresAt }: KeyOptions = {},
): Promise<{ readonly id: string; readonly key: string }> {
  count += 1;
  const created = await services.api.apiKeys.create(
    userId,
    {
      name: `Program ${count}`,
      scopes: scopes as readonly ApiScope[],
      expiresAt,
      addresses: { primary: undefined, secondary: undefined, ...addresses },
    },
    { actor: 'test' },
  );
  if (created.kind !== 'created') throw new Error(created.kind);
  return { id: created.id, key: created.secret };
}
