import type { Request, RequestHandler, Response } from 'express';
import { notFound } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { clientAddress } from '../http/client-address.ts';
import { readForm } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { trustForm } from './ban-form.ts';
import { type Bans, MOST_TRUSTED } from './bans.ts';
import type { TrustedAddressStore } from './trusted-address-store.ts';

export interface AllowListPageDeps {
  readonly bans: Pick<Bans, 'trust' | 'distrust'>;
  readonly trustedStore: Pick<TrustedAddressStore, 'list'>;
}

export interface AllowListPage {
  readonly show: RequestHandler;
  readonly add: RequestHandler;
  readonly showRemoval: RequestHandler;
  readonly remove: RequestHandler;
}

type Fields = Readonly<Record<string, string>>;

export const ALLOW_LIST = '/security/allow-list';

const NOTICES: ReadonlyMap<unknown, string> = new Map([
  ['added', 'The address is trusted: it is not banned automatically any more. A ban that it has stays.'],
  ['removed', 'The address is not trusted any more.'],
]);

/** The addresses that are never banned automatically. */
export function createAllowListPage({ bans, trustedStore }: AllowListPageDeps): AllowListPage {
  async function render(req: Request, res: Response, values: Fields, fields: Fields = {}): Promise<void> {
    if (Object.keys(fields).length > 0) res.status(400);
    renderPage(req, res, 'bans/allow-list', {
      title: 'Trusted addresses',
      addresses: await trustedStore.list(),
      ownAddress: clientAddress(req),
      notice: NOTICES.get(req.query['notice']),
      values,
      fields,
    });
  }

  return {
    show: (req, res) => render(req, res, {}),

    async add(req, res) {
      const typed = { block: shortText(req.body?.block), note: shortText(req.body?.note) };
      const form = readForm(trustForm, req);
      if (!form.ok) return render(req, res, typed, form.fields);
      const outcome = await bans.trust(form.values, auditOrigin(req, res));
      if (outcome === 'added') return res.redirect(303, `${ALLOW_LIST}?notice=added`);
      const block = `This is on the list already, or the list has its ${MOST_TRUSTED} entries.`;
      await render(req, res, typed, { block });
    },

    async showRemoval(req, res) {
      const entry = (await trustedStore.list()).find(({ block }) => block === req.query['block']);
      if (entry === undefined) throw notFound();
      renderPage(req, res, 'bans/allow-list-removal', { title: `Remove ${entry.block}?`, entry });
    },

    async remove(req, res) {
      if (!(await bans.distrust(String(req.body?.block), auditOrigin(req, res)))) throw notFound();
      res.redirect(303, `${ALLOW_LIST}?notice=removed`);
    },
  };
}

const shortText = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 300) : '');
