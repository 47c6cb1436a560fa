import { Router } from 'express';
import { methods } from '../http/methods.ts';
import type { RoutePolicy } from '../http/route-policy.ts';
import { createAllKeysPage } from './all-keys-page.ts';
import { createApiPage } from './api-page.ts';
import { createKeysPage, type KeysPageDeps } from './keys-page.ts';
import type { OpenApiDocument } from './openapi-document.ts';

export interface KeysRouterDeps extends KeysPageDeps {
  readonly document: OpenApiDocument;
}

export const KEY_ROUTES: readonly RoutePolicy[] = [
  { path: '/api-keys', reauthenticate: { post: 'Create an API key' } },
  { path: '/api-keys/new', role: 'user', reauthenticate: { get: true } },
  { path: '/api-keys/everybody', role: 'admin' },
  { path: '/api-keys/everybody/:id/revocation', role: 'admin' },
  {
    path: '/api-keys/everybody/:id/address-release',
    role: 'admin',
    reauthenticate: { post: 'Release the addresses of an API key' },
  },
  { path: '/api-keys/:id' },
  { path: '/api-keys/:id/addresses', reauthenticate: { post: 'Change the addresses of an API key' } },
  { path: '/api-keys/:id/revocation', viewersToo: true },
];

/** `/api-keys`: the pages where people make, bind and revoke their keys; and `/api`, what programs can do with one. */
export function createKeysRouter(deps: KeysRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const own = createKeysPage(deps);
  const all = createAllKeysPage(deps);
  methods(router, '/api', { get: createApiPage(deps.document) });
  methods(router, '/api-keys', { get: own.list, post: own.create });
  methods(router, '/api-keys/new', { get: own.showForm });
  methods(router, '/api-keys/everybody', { get: all.list });
  methods(router, '/api-keys/everybody/:id/revocation', { post: all.revoke });
  methods(router, '/api-keys/everybody/:id/address-release', { post: all.liftAddressWait });
  methods(router, '/api-keys/:id', { get: own.show });
  methods(router, '/api-keys/:id/addresses', { post: own.changeAddresses });
  methods(router, '/api-keys/:id/revocation', { get: own.confirmRevocation, post: own.revoke });
  return router;
}
