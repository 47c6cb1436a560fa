import type { Request, RequestHandler } from 'express';
import type { Clock } from '../core/clock.ts';
import { notFound } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { renderPage } from '../http/page.ts';
import { numberedPage } from '../http/pager.ts';
import { type Notices, noticeOf, queryText } from '../http/query-text.ts';
import { currentSession } from '../sessions/current-session.ts';
import type { OwnedKey } from './api-key-store.ts';
import type { ApiKeys } from './api-keys.ts';
import { toKeyView } from './key-view.ts';

export interface AllKeysPageDeps {
  readonly apiKeys: ApiKeys;
  readonly clock: Clock;
}

const HOME = '/api-keys/everybody';
const PAGE_SIZE = 50;
/** A name of a key. */
const LONGEST_SEARCH = 60;

const NOTICES: Notices = new Map([
  ['revoked', 'The key is revoked. No program can use it from now on.'],
  ['released', 'The owner may change the addresses of that key once now.'],
]);

/** The keys of all users, for administrators: to end one, and to let its addresses be changed before the week is over. */
export function createAllKeysPage({ apiKeys, clock }: AllKeysPageDeps): {
  readonly list: RequestHandler;
  readonly revoke: RequestHandler;
  readonly liftAddressWait: RequestHandler;
} {
  return {
    async list(req, res) {
      const text = queryText(req, 'q', LONGEST_SEARCH);
      const page = numberedPage(req, PAGE_SIZE);
      const { keys, total } = await apiKeys.search({ text, offset: page.offset, limit: page.limit });
      renderPage(req, res, 'api-keys/everybody', {
        title: 'All API keys',
        keys: keys.map((key) => ({ ...toKeyView(key, clock.now()), username: key.username })),
        total,
        from: page.offset + 1,
        text,
        pages: page.links(HOME, { q: text }, { shown: keys.length, total }),
        notice: noticeOf(req, NOTICES),
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
