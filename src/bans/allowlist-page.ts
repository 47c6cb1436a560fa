import type { Request, RequestHandler, Response } from 'express';
import { notFound } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { clientAddress } from '../http/client-address.ts';
import { readForm } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { type Notices, noticeOf } from '../http/query-text.ts';
import type { AllowlistStore } from './allowlist-store.ts';
import { allowlistForm } from './ban-form.ts';
import { type Bans, MOST_ALLOWED } from './bans.ts';

export interface AllowlistPageDeps {
  readonly bans: Pick<Bans, 'addToAllowlist' | 'removeFromAllowlist'>;
  readonly allowlistStore: Pick<AllowlistStore, 'list'>;
}

export interface AllowlistPage {
  readonly show: RequestHandler;
  readonly add: RequestHandler;
  readonly showRemoval: RequestHandler;
  readonly remove: RequestHandler;
}

type Fields = Readonly<Record<string, string>>;

export const ALLOWLIST = '/security/allow-list';

const NOTICES: Notices = new Map([
  ['added', 'Added: the address is never banned automatically. A ban that it has stays.'],
  ['removed', 'Removed from the allowlist.'],
]);

/** The addresses that are never banned automatically. */
export function createAllowlistPage({ bans, allowlistStore }: AllowlistPageDeps): AllowlistPage {
  async function render(req: Request, res: Response, values: Fields, fields: Fields = {}): Promise<void> {
    if (Object.keys(fields).length > 0) res.status(400);
    renderPage(req, res, 'bans/allowlist', {
      title: 'Allowlist',
      addresses: await allowlistStore.list(),
      ownAddress: clientAddress(req),
      notice: noticeOf(req, NOTICES),
      values,
      fields,
    });
  }

  return {
    show: (req, res) => render(req, res, {}),

    async add(req, res) {
      const typed = { block: shortText(req.body?.block), note: shortText(req.body?.note) };
      const form = readForm(allowlistForm, req);
      if (!form.ok) return render(req, res, typed, form.fields);
      const outcome = await bans.addToAllowlist(form.values, auditOrigin(req, res));
      if (outcome === 'added') return res.redirect(303, `${ALLOWLIST}?notice=added`);
      const block = `This is on the list already, or the list is full: it has at most ${MOST_ALLOWED} entries.`;
      await render(req, res, typed, { block });
    },

    async showRemoval(req, res) {
      const entry = (await allowlistStore.list()).find(({ block }) => block === req.query['block']);
      if (entry === undefined) throw notFound();
      renderPage(req, res, 'bans/allowlist-removal', { title: `Remove ${entry.block}?`, entry });
    },

    async remove(req, res) {
      if (!(await bans.removeFromAllowlist(String(req.body?.block), auditOrigin(req, res)))) throw notFound();
      res.redirect(303, `${ALLOWLIST}?notice=removed`);
    },
  };
}

const shortText = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 300) : '');
