import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { AuditRow } from '../core/audit-chain.ts';
import type { AnswersToOrders } from '../core/broker-answer.ts';
import { REVOCATION_TITLES } from '../core/receipt-labels.ts';
import { type ReceiptView, toReceiptView } from '../core/receipt-view.ts';
import { REVOCATION_REASONS, type Receipt } from '../core/revocation.ts';
import { notFound } from '../errors.ts';
import { renderPage } from '../http/page.ts';
import { queryText } from '../http/query-text.ts';
import { namesFor } from './audit-names.ts';
import type { AuditPeopleStore } from './audit-people-store.ts';
import { auditPages, readAuditCursor, rowNumber } from './audit-query.ts';
import type { AuditRowStore } from './audit-row-store.ts';
import type { AuditSearch, AuditSearchStore } from './audit-search-store.ts';
import { actorWords } from './audit-view.ts';

export interface ReceiptsPageDeps {
  readonly rows: Pick<AuditRowStore, 'find'>;
  readonly search: Pick<AuditSearchStore, 'search'>;
  readonly people: Pick<AuditPeopleStore, 'namesOf' | 'idOf'>;
  readonly brokerName: (broker: string) => string;
  /** The brokers' answers: not part of the receipts, which are older. */
  readonly answersTo: AnswersToOrders;
}

export interface ReceiptsPage {
  readonly list: RequestHandler;
  readonly show: RequestHandler;
}

export const RECEIPTS = '/security/receipts';
const TYPE = 'revocation.carried_out';
const PAGE_SIZE = 20;
const MOST_OF_ONE_ORDER = 20;
const LONGEST_NAME = 80;

const receiptSchema = z.object({
  receipt: z.object({
    orderId: z.string(),
    reason: z.enum(REVOCATION_REASONS),
    scope: z.enum(['device', 'account', 'stale', 'sweep']),
    userId: z.string().optional(),
    orderedAt: z.number(),
    status: z.enum(['done', 'queued']),
    lines: z.array(
      z.object({
        step: z.string(),
        status: z.enum(['done', 'queued']),
        count: z.number(),
        detail: z.string().optional(),
        ms: z.number(),
      }),
    ),
  }),
});

interface RecordedReceipt {
  readonly row: AuditRow;
  readonly receipt: Receipt;
}

/** The receipts of revocations, from the audit log, where they stay for years. */
export function createReceiptsPage(deps: ReceiptsPageDeps): ReceiptsPage {
  const { rows, search, people, brokerName, answersTo } = deps;

  async function toViews(recorded: readonly RecordedReceipt[]): Promise<readonly RecordedReceiptView[]> {
    const [names, answers] = await Promise.all([
      namesFor(
        people,
        brokerName,
        recorded.map(({ row }) => row),
      ),
      answersTo(recorded.map(({ receipt }) => receipt.orderId)),
    ]);
    return recorded.map(({ row, receipt }) => ({
      seq: row.seq,
      href: `${RECEIPTS}/${row.seq}`,
      whose: receipt.scope === 'sweep' ? 'All people' : names.user(receipt.userId),
      title: REVOCATION_TITLES[receipt.reason],
      by: actorWords(row.actor),
      address: row.address ?? undefined,
      requestId: row.requestId === null || row.requestId === '' ? undefined : row.requestId,
      at: row.at,
      orderedAt: receipt.orderedAt,
      isDone: receipt.status === 'done',
      tookMs: receipt.lines.reduce((sum, { ms }) => sum + ms, 0),
      stepsMs: receipt.lines.map(({ ms }) => ms),
      scope: SCOPES[receipt.scope],
      orderId: receipt.orderId,
      receipt: toReceiptView(receipt, { viewer: 'admin', brokerName, answers: answers.get(receipt.orderId) }),
    }));
  }

  return {
    async list(req, res) {
      const person = queryText(req, 'person', LONGEST_NAME);
      const reason = REVOCATION_REASONS.find((known) => known === req.query['reason']);
      const cursor = readAuditCursor(req);
      const wanted: AuditSearch = {
        types: [TYPE],
        userId: person === '' ? undefined : ((await people.idOf(person)) ?? person),
        literal: reason === undefined ? undefined : `"reason":"${reason}"`,
      };
      const found = await search.search(wanted, cursor, PAGE_SIZE);
      renderPage(req, res, 'audit/receipts', {
        title: 'Receipts',
        receipts: await toViews(found.rows.flatMap(readReceipt)),
        search: { person, isNarrowed: person !== '' || reason !== undefined },
        reasons: REVOCATION_REASONS.map((value) => ({
          value,
          label: REVOCATION_TITLES[value],
          chosen: value === reason,
        })),
        pages: auditPages(RECEIPTS, { person, reason }, cursor, found),
      });
    },

    async show(req, res) {
      const seq = rowNumber(String(req.params['seq']));
      const row = seq === undefined ? undefined : await rows.find(seq);
      const recorded = row?.type === TYPE ? readReceipt(row)[0] : undefined;
      if (recorded === undefined) throw notFound();
      const { receipt } = recorded;
      const [view] = await toViews([recorded]);
      const same = await search.search(
        {
          types: [TYPE],
          userId: receipt.userId,
          since: receipt.orderedAt - 1,
          literal: receipt.orderId,
        },
        {},
        MOST_OF_ONE_ORDER,
      );
      renderPage(req, res, 'audit/receipt', {
        title: `Receipt ${recorded.row.seq}`,
        view,
        others: same.rows
          .filter((each) => each.seq !== recorded.row.seq)
          .map(({ seq: other, at }) => ({
            at,
            href: `${RECEIPTS}/${other}`,
            isLater: other > recorded.row.seq,
          })),
      });
    },
  };
}

interface RecordedReceiptView {
  readonly seq: number;
  readonly href: string;
  readonly whose: string;
  readonly title: string;
  readonly by: string;
  readonly address: string | undefined;
  readonly requestId: string | undefined;
  /** When it was carried out as far as it says, and when it was ordered. */
  readonly at: number;
  readonly orderedAt: number;
  readonly isDone: boolean;
  readonly tookMs: number;
  /** Of the first lines, in their order. */
  readonly stepsMs: readonly number[];
  readonly scope: string;
  readonly orderId: string;
  readonly receipt: ReceiptView;
}

const SCOPES: Readonly<Record<Receipt['scope'], string>> = {
  device: 'Single devices: what other devices share stays',
  account: 'The whole account',
  stale: 'What was from before the cutoff, of one person',
  sweep: 'What was from before the cutoff, of all people',
};

/** A receipt of a form that this version cannot read is left out here; the audit log shows it. */
function readReceipt(row: AuditRow): readonly RecordedReceipt[] {
  try {
    const { receipt } = receiptSchema.parse(JSON.parse(row.detail));
    return [{ row, receipt: receipt as Receipt }];
  } catch {
    return [];
  }
}
