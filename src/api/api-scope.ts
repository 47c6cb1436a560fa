import { includesRole, type Role } from '../core/role.ts';

/** Rights of a key, one word for each. A key has those that its owner ticked and no others. */
export const API_SCOPES = [
  'session:read',
  'broker:token',
  'symbols:read',
  'signals:read',
  'strategies:read',
  'feed:read',
  'gateway:access',
] as const;
export type ApiScope = (typeof API_SCOPES)[number];

/** Descriptions of the scopes, for the users who choose. */
export const SCOPE_WORDS = {
  'session:read': 'See whether you are signed in, which brokers are connected, and when the day ends',
  'broker:token': 'Get the day’s access token of your brokers: enough to trade with',
  'symbols:read': 'Search the instruments',
  'signals:read': 'Get the signals that your strategies accepted',
  'strategies:read': 'List your strategies',
  'feed:read': 'Open a live connection for prices and events',
  'gateway:access': 'Use the tools behind the gateway that you may use yourself',
} as const satisfies Record<ApiScope, string>;

/** Scopes that count only while the owner of the key is more than a viewer. */
const NOT_FOR_VIEWERS: ReadonlySet<ApiScope> = new Set(['broker:token']);

export const mayUseScope = (role: Role, scope: ApiScope): boolean =>
  includesRole(role, 'user') || !NOT_FOR_VIEWERS.has(scope);

/** Those of a stored text that this version knows: a later one may have written others. */
export function readScopes(text: string): readonly ApiScope[] {
  const words = new Set(text.split(' '));
  return API_SCOPES.filter((scope) => words.has(scope));
}
