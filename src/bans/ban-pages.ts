import type { Request, RequestHandler, Response } from 'express';
import { BAN_CAUSES, type BanReason } from '../core/ban-policy.ts';
import type { Clock } from '../core/clock.ts';
import { notFound } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { clientAddress, clientSubject } from '../http/client-address.ts';
import { readForm, requireForm } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { numberedPage } from '../http/pager.ts';
import { type Notices, noticeOf, queryText } from '../http/query-text.ts';
import { banForm, liftForm } from './ban-form.ts';
import { PROTECTED_LABELS, REASON_LABELS } from './ban-labels.ts';
import type { Ban, BanStore } from './ban-store.ts';
import { lengthOptions, lengthPhrase, toBanView } from './ban-view.ts';
import type { Bans } from './bans.ts';
import type { ProtectedAddresses } from './protected-addresses.ts';

export interface BanPagesDeps {
  readonly bans: Bans;
  readonly banStore: Pick<BanStore, 'find' | 'findBySubject' | 'search' | 'countOffences'>;
  readonly protectedAddresses: ProtectedAddresses;
  readonly clock: Clock;
}

export interface BanPages {
  readonly list: RequestHandler;
  readonly showNew: RequestHandler;
  /** The first time it shows what would happen, the second time it does it. */
  readonly ban: RequestHandler;
  readonly showLifting: RequestHandler;
  readonly lift: RequestHandler;
}

type Fields = Readonly<Record<string, string>>;

export const BANS = '/security/bans';
const PAGE_SIZE = 50;
const LONGEST_SEARCH = 60;
const REASONS: readonly BanReason[] = [...BAN_CAUSES, 'manual', 'imported'];

const NOTICES: Notices = new Map([
  ['banned', 'The address is banned, on every node.'],
  ['lifted', 'The ban is lifted, on every node.'],
  ['over', 'That ban is over already.'],
]);

/** The list of bans, a new one, and the end of one. */
export function createBanPages({ bans, banStore, protectedAddresses, clock }: BanPagesDeps): BanPages {
  return {
    async list(req, res) {
      const text = queryText(req, 'q', LONGEST_SEARCH);
      const reason = REASONS.find((known) => known === req.query['reason']);
      const page = numberedPage(req, PAGE_SIZE);
      const { offset, limit } = page;
      const found = await banStore.search({ text, reason, offset, limit }, clock.now());
      renderPage(req, res, 'bans/index', {
        title: 'Bans',
        bans: found.bans.map(toBanView),
        total: found.total,
        from: offset + 1,
        search: { text, isNarrowed: text !== '' || reason !== undefined },
        reasons: REASONS.map((value) => ({ value, label: REASON_LABELS[value], chosen: value === reason })),
        pages: page.links(BANS, { q: text, reason }, { shown: found.bans.length, total: found.total }),
        notice: noticeOf(req, NOTICES),
      });
    },

    showNew: (req, res) => renderNew(req, res, { address: queryText(req, 'address', LONGEST_SEARCH) }),

    async ban(req, res) {
      const form = readForm(banForm, req);
      if (!form.ok) return renderNew(req, res, typed(req), form.fields);
      const { isConfirmed, ...order } = form.values;
      const problem = whyNot(req, order.subject);
      if (problem !== undefined) return renderNew(req, res, typed(req), { address: problem });
      if (!isConfirmed) {
        const current = await banStore.findBySubject(order.subject, clock.now());
        return renderPage(req, res, 'bans/confirm', {
          title: `Ban ${order.subject}?`,
          order: { ...order, phrase: lengthPhrase(order.length) },
          current: current === undefined ? undefined : toBanView(current),
        });
      }
      await bans.ban(order, auditOrigin(req, res));
      res.redirect(303, `${BANS}?notice=banned`);
    },

    async showLifting(req, res) {
      const ban = await findBan(req);
      if (ban === undefined) return res.redirect(303, `${BANS}?notice=over`);
      renderPage(req, res, 'bans/lifting', {
        title: `Lift the ban of ${ban.subject}?`,
        ban: toBanView(ban),
        offences: await banStore.countOffences(ban.subject),
      });
    },

    async lift(req, res) {
      const ban = await findBan(req);
      const options = requireForm(liftForm, req);
      const lifted =
        ban === undefined ? undefined : await bans.lift(ban.subject, options, auditOrigin(req, res));
      res.redirect(303, `${BANS}?notice=${lifted === undefined ? 'over' : 'lifted'}`);
    },
  };

  async function findBan(req: Request): Promise<Ban | undefined> {
    const id = String(req.params['id']);
    if (!/^\d{1,15}$/.test(id)) throw notFound();
    return banStore.find(Number(id), clock.now());
  }

  function whyNot(req: Request, subject: string): string | undefined {
    const why = protectedAddresses.whyProtected(subject);
    if (why !== undefined) return `${subject} ${PROTECTED_LABELS[why]}`;
    return ownSubject(req) === subject
      ? `${subject} is the address that you are using right now: the ban would lock you out.`
      : undefined;
  }
}

/** The subject of the request's own address: banning it locks the administrator out. */
export function ownSubject(req: Request): string {
  return clientSubject(req).subject;
}

function renderNew(req: Request, res: Response, values: Fields, fields: Fields = {}): void {
  if (Object.keys(fields).length > 0) res.status(400);
  renderPage(req, res, 'bans/new', {
    title: 'Ban an address',
    values,
    lengths: lengthOptions(values['length'] ?? '24h'),
    ownAddress: clientAddress(req),
    fields,
  });
}

/** A form that is shown again keeps what was typed. */
function typed(req: Request): Fields {
  const { address, note, length } = (req.body ?? {}) as Readonly<Record<string, unknown>>;
  return { address: shortText(address), note: shortText(note), length: shortText(length) };
}

const shortText = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 300) : '');
