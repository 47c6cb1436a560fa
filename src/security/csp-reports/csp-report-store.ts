import { type Selectable, sql } from 'kysely';
import type { Database } from '../../storage/database.ts';
import type { CspReportsTable } from '../../storage/schema.ts';
import type { CspReport } from './csp-report.ts';

export interface CountedReport extends CspReport {
  readonly reports: number;
}

export interface StoredReport {
  readonly directive: string;
  readonly blocked: string;
  readonly document: string;
  readonly reports: number;
  /** Milliseconds since the epoch. */
  readonly firstAt: number;
  readonly lastAt: number;
}

export interface ReportSearch {
  /** Part of what was blocked, or of the page; '' for all. */
  readonly text: string;
  readonly offset: number;
  readonly limit: number;
}

/** What browsers have reported: a row for each sort, and not more rows than are good for anybody. */
export interface CspReportStore {
  /** Keeps `most` sorts: those that were not seen for the longest go. */
  add(reports: readonly CountedReport[], now: number, most: number): Promise<void>;
  /** Latest first. */
  search(
    search: ReportSearch,
  ): Promise<{ readonly reports: readonly StoredReport[]; readonly total: number }>;
  /** Returns how many sorts there were. */
  clear(): Promise<number>;
}

export function createCspReportStore({ db }: Database): CspReportStore {
  return {
    add: (reports, now, most) =>
      db.transaction().execute(async (trx) => {
        // In one order, or two nodes could wait for each other's rows crosswise.
        for (const { directive, blocked, document, reports: count } of inOneOrder(reports))
          await trx
            .insertInto('csp_reports')
            .values({ directive, blocked, document, reports: count, first_at: now, last_at: now })
            .onConflict((conflict) =>
              conflict
                .columns(['directive', 'blocked', 'document'])
                .doUpdateSet((eb) => ({ reports: eb('csp_reports.reports', '+', count), last_at: now })),
            )
            .execute();
        await trx
          .deleteFrom('csp_reports')
          .where('id', 'in', (eb) =>
            eb
              .selectFrom('csp_reports as old')
              .select('old.id')
              .orderBy('old.last_at', 'desc')
              .orderBy('old.id', 'desc')
              .offset(most)
              // SQLite knows no offset without a limit.
              .limit(reports.length + most),
          )
          .execute();
      }),

    async search({ text, offset, limit }) {
      let matching = db.selectFrom('csp_reports');
      if (text !== '') {
        const pattern = `%${text.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
        matching = matching.where(
          sql<boolean>`(lower(directive) like ${pattern} escape '\\' or lower(blocked) like ${pattern} escape '\\' or lower(document) like ${pattern} escape '\\')`,
        );
      }
      const { total } = await matching
        .select(({ fn }) => fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow();
      const rows = await matching
        .selectAll()
        .orderBy('last_at', 'desc')
        .orderBy('id', 'desc')
        .offset(offset)
        .limit(limit)
        .execute();
      return { reports: rows.map(toReport), total: Number(total) };
    },

    async clear() {
      const { numDeletedRows } = await db.deleteFrom('csp_reports').executeTakeFirst();
      return Number(numDeletedRows);
    },
  };
}

function inOneOrder(reports: readonly CountedReport[]): readonly CountedReport[] {
  const keyOf = ({ directive, blocked, document }: CspReport) => [directive, blocked, document].join('\n');
  return reports.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function toReport(row: Selectable<CspReportsTable>): StoredReport {
  const { directive, blocked, document, reports, first_at: firstAt, last_at: lastAt } = row;
  return { directive, blocked, document, reports, firstAt, lastAt };
}
