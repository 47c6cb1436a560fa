import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RequestHandler } from 'express';
import type { AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import { toIstIso } from '../core/ist.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { renderPage } from '../http/page.ts';
import { hrefWith } from '../http/pager.ts';
import type { AuditCheckStore } from './audit-check-store.ts';
import { describeRange, writeAuditExport } from './audit-export.ts';
import { AUDIT_GROUPS } from './audit-groups.ts';
import { namesFor } from './audit-names.ts';
import type { AuditPeopleStore } from './audit-people-store.ts';
import { auditPages, readAuditCursor, readAuditQuery, readAuditRange, toAuditSearch } from './audit-query.ts';
import { type AuditRowStore, headText } from './audit-row-store.ts';
import type { AuditSearchStore } from './audit-search-store.ts';
import { toAuditRowView } from './audit-view.ts';
import { RECEIPTS } from './receipts-page.ts';

export interface AuditPageDeps {
  readonly rows: AuditRowStore;
  readonly search: AuditSearchStore;
  readonly people: AuditPeopleStore;
  readonly checks: Pick<AuditCheckStore, 'read'>;
  readonly brokerName: (broker: string) => string;
  readonly audit: AuditLog;
  readonly clock: Clock;
}

export interface AuditPage {
  readonly show: RequestHandler;
  readonly exportLines: RequestHandler;
}

export const AUDIT = '/security/audit';
export const AUDIT_EXPORT = `${AUDIT}/export.jsonl`;
const PAGE_SIZE = 50;

/** The events, with actor and address; the newest first. */
export function createAuditPage(deps: AuditPageDeps): AuditPage {
  const { rows, search, people, checks, brokerName, audit, clock } = deps;

  return {
    async show(req, res) {
      const query = readAuditQuery(req);
      const cursor = readAuditCursor(req);
      const [found, end, check] = await Promise.all([
        search.search(await toAuditSearch(deps, query), cursor, PAGE_SIZE),
        rows.end(),
        checks.read(),
      ]);
      const names = await namesFor(people, brokerName, found.rows);
      renderPage(req, res, 'audit/index', {
        title: 'Audit log',
        rows: found.rows.map((row) => toAuditRowView(row, names, RECEIPTS)),
        query,
        groups: AUDIT_GROUPS.map(({ id, label }) => ({ id, label, chosen: id === query.kind })),
        isNarrowed: Object.values(query).some((value) => value !== undefined && value !== ''),
        usesMoreFields: [query.by, query.about, query.address, query.request, query.from, query.to].some(
          (value) => value !== '',
        ),
        chain: {
          head: headText(end.head),
          short: end.head.hash.slice(0, 12),
          rows: end.head.seq - end.pruned.seq,
          seq: end.head.seq,
          prunedSeq: end.pruned.seq,
          checkedAt: check.checkedAt === 0 ? undefined : check.checkedAt,
          verifiedSeq: check.verified.seq,
          problem: check.problem,
        },
        pages: auditPages(AUDIT, { ...query }, cursor, found),
        exportHref: hrefWith(AUDIT_EXPORT, { from: query.from, to: query.to }),
      });
    },

    async exportLines(req, res) {
      const range = readAuditRange(readAuditQuery(req));
      const event = { type: 'export.taken', what: 'audit', scope: describeRange(range) } as const;
      await audit.record(event, auditOrigin(req, res));
      res.set({
        'Content-Type': 'application/jsonl; charset=utf-8',
        'Content-Disposition': `attachment; filename="curfew-audit-${toIstIso(clock.now()).slice(0, 10)}.jsonl"`,
        'Cache-Control': 'no-store',
      });
      await pipeline(Readable.from(writeAuditExport(rows, range, clock.now())), res);
    },
  };
}
