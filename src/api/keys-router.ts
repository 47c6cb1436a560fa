import { type RequestHandler, Router } from 'express';
import { methods } from '../http/methods.ts';
import { createAllKeysPage } from './all-keys-page.ts';
import { createKeysPage, type KeysPageDeps } from './keys-page.ts';

export interface KeysRouterDeps extends KeysPageDeps {
  /** Lets administrators pass, asked anew for each request. */
  readonly requireAdmin: RequestHandler;
}

/** `/api-keys`: the pages where people make, bind and revoke their keys. */
export function createKeysRouter(deps: KeysRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const { requireAdmin } = deps;
  const own = createKeysPage(deps);
  const all = createAllKeysPage(deps);
  methods(router, '/api-keys', { get: own.list, post: own.create });
  methods(router, '/api-keys/new', { get: own.showForm });
  methods(router, '/api-keys/everybody', { get: [requireAdmin, all.list] });
  methods(router, '/api-keys/everybody/:id/revocation', { post: [requireAdmin, all.revoke] });
  methods(router, '/api-keys/everybody/:id/address-release', { post: [requireAdmin, all.liftAddressWait] });
  methods(router, '/api-keys/:id', { get: own.show });
  methods(router, '/api-keys/:id/addresses', { post: own.changeAddresses });
  methods(router, '/api-keys/:id/revocation', { post: own.revoke });
  return router;
}
