import type { Request, RequestHandler } from 'express';
import type { Clock } from '../core/clock.ts';
import { notFound } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { renderPage } from '../http/page.ts';
import { currentSession } from '../sessions/current-session.ts';
import type { OwnedKey } from './api-key-store.ts';
import type { ApiKeys } from './api-keys.ts';
import { toKeyView } from './key-view.ts';

export interface AllKeysPageDeps {
  readonly apiKeys: ApiKeys;
  readonly clock: Clock;
}

const HOME = '/api-keys/everybody';

const NOTICES: ReadonlyMap<unknown, string> = new Map([
  ['revoked', 'The key is revoked. No program can use it from now on.'],
  ['released', 'The owner may change the addresses of that key once now.'],
]);

/** Everybody's keys, for administrators: to end one, and to let its addresses be changed before the week is over. */
export function createAllKeysPage({ apiKeys, clock }: AllKeysPageDeps): {
  readonly list: RequestHandler;
  readonly revoke: RequestHandler;
  readonly liftAddressWait: RequestHandler;
} {
  return {
    async list(req, res) {
      const keys = await apiKeys.listAll();
      renderPage(req, res, 'api-keys/everybody', {
        title: 'Everybody’s API keys',
        keys: keys.map((key) => ({ ...toKeyView(key, clock.now()), username: key.username })),
        notice: NOTICES.get(req.query['notice']),
      });
    },

    async revoke(req, res) {
      await apiKeys.revoke(await find(req), auditOrigin(req, res, currentSession(req).username));
      res.redirect(303, `${HOME}?notice=revoked`);
    },

    async liftAddressWait(req, res) {
      await apiKeys.liftAddressWait(await find(req), auditOrigin(req, res, currentSession(req).username));
      res.redirect(303, `${HOME}?notice=released`);
    },
  };

  async function find(req: Request): Promise<OwnedKey> {
    const key = await apiKeys.find(String(req.params['id']));
    if (key === undefined) throw notFound();
    return key;
  }
}
