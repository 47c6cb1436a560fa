import type { Request, RequestHandler, Response } from 'express';
import type { Clock } from '../../core/clock.ts';
import { DAY_MS } from '../../core/duration.ts';
import { toIstIso } from '../../core/ist.ts';
import { invalid, notFound } from '../../errors.ts';
import { renderPage } from '../../http/page.ts';
import type { ClientMark } from './client-mark.ts';
import { MOST_EXPORTED, sendInPieces, writeTraffic } from './traffic-export.ts';
import {
  type FilterReaderDeps,
  readFilter,
  readQuestion,
  type TrafficFilter,
  type TrafficQuestion,
  toLocalInput,
} from './traffic-filter.ts';
import type { TrafficLog } from './traffic-log.ts';
import { findTraffic, streamTraffic, type TrafficPage } from './traffic-search.ts';
import type { TrafficSearchStore } from './traffic-search-store.ts';
import type { TrafficStore } from './traffic-store.ts';
import { formOptions, readCursor, TRAFFIC, toDetailView, toRowView, trafficHref } from './traffic-view.ts';

export interface TrafficPagesDeps {
  readonly searchStore: TrafficSearchStore;
  readonly trafficLog: Pick<TrafficLog, 'dropped' | 'counted'>;
  readonly countRows: TrafficStore['countAtMost'];
  /** TRAFFIC_LOG_ROWS. */
  readonly mostRows: number;
  readonly mark: Pick<ClientMark, 'detail' | 'lookUp'>;
  /** TRAFFIC_LOG_DAYS in milliseconds; 0 for none at all. */
  readonly retentionMs: number;
  readonly findUserId: FilterReaderDeps['findUserId'];
  readonly clock: Clock;
}

export interface TrafficPages {
  readonly list: RequestHandler;
  /** The newest entries as JSON, for the page's script. */
  readonly tail: RequestHandler;
  readonly exportCsv: RequestHandler;
  readonly show: RequestHandler;
}

const PAGE_SIZE = 50;
/** Of one page: a tenth of a second, at the most. */
const MOST_LOOKED_AT = 100_000;
/** Of the tail, which is asked for every other second. */
const TAIL_LOOKED_AT = 5_000;
const REQUEST_ID = /^[0-9a-f-]{36}$/;
const NO_PAGE: TrafficPage = { entries: [], next: undefined, lookedBackTo: undefined };

/** The traffic log for administrators. */
export function createTrafficPages(deps: TrafficPagesDeps): TrafficPages {
  const { searchStore, trafficLog, countRows, mostRows, mark, retentionMs, findUserId, clock } = deps;
  const filterDeps = { lookUpAddress: mark.lookUp, findUserId };
  const read = (question: TrafficQuestion) => readFilter(question, clock.now(), filterDeps);

  return {
    async list(req, res) {
      const question = readQuestion(req.query);
      const reading = await read(question);
      if (reading.kind === 'wrong')
        return renderList(req, res, { question, page: NO_PAGE, fields: reading.fields });
      const before = readCursor(String(req.query['before'] ?? ''));
      const page = await findTraffic(searchStore, {
        filter: reading.filter,
        after: before,
        limit: PAGE_SIZE,
        mostLookedAt: MOST_LOOKED_AT,
      });
      await renderList(req, res, { question, page, isFirst: before === undefined });
    },

    async tail(req, res) {
      const filter = await requireFilter(req);
      const { entries } = await findTraffic(searchStore, {
        filter,
        after: undefined,
        limit: PAGE_SIZE,
        mostLookedAt: TAIL_LOOKED_AT,
      });
      res.set('Cache-Control', 'no-store').json({ entries: entries.map(toRowView) });
    },

    async exportCsv(req, res) {
      const filter = await requireFilter(req);
      const name = `curfew-traffic-${toIstIso(clock.now()).slice(0, 10)}.csv`;
      res.set({
        'Content-Type': 'text/csv; charset=utf-8',
        'Content-Disposition': `attachment; filename="${name}"`,
        'Cache-Control': 'no-store',
      });
      await sendInPieces(res, writeTraffic(streamTraffic(searchStore, filter)));
    },

    async show(req, res) {
      const requestId = String(req.params['requestId']);
      const entry = REQUEST_ID.test(requestId) ? await searchStore.findByRequest(requestId) : undefined;
      if (entry === undefined) throw notFound();
      renderPage(req, res, 'monitoring/traffic/entry', { title: 'A request', entry: toDetailView(entry) });
    },
  };

  async function requireFilter(req: Request): Promise<TrafficFilter> {
    const reading = await read(readQuestion(req.query));
    if (reading.kind === 'wrong') throw invalid(reading.fields);
    return reading.filter;
  }

  async function renderList(req: Request, res: Response, list: ShownList): Promise<void> {
    const { question, page, fields = {}, isFirst = true } = list;
    const isWrong = Object.keys(fields).length > 0;
    if (isWrong) res.status(400);
    renderPage(req, res, 'monitoring/traffic/index', {
      title: 'Traffic',
      entries: page.entries.map(toRowView),
      question: { ...question, from: forInput(question.from), to: forInput(question.to) },
      options: formOptions(question),
      isNarrowed: Object.values(question).some((text) => text !== ''),
      fields,
      lookedBackTo: page.lookedBackTo,
      hrefs: {
        newest: trafficHref(question),
        older: page.next === undefined ? undefined : trafficHref(question, page.next),
        export: trafficHref(question, undefined, `${TRAFFIC}/export.csv`),
        // A time that has an end gets nothing new, and nothing does where no rows are written.
        tail:
          retentionMs > 0 && isFirst && !isWrong && question.to === ''
            ? trafficHref(question, undefined, `${TRAFFIC}/tail`)
            : undefined,
      },
      mostExported: MOST_EXPORTED.toLocaleString('en-IN'),
      days: retentionMs / DAY_MS,
      addresses: mark.detail,
      dropped: trafficLog.dropped,
      counted: trafficLog.counted,
      rows: await countRows(),
      mostRows,
    });
  }
}

interface ShownList {
  readonly question: TrafficQuestion;
  readonly page: TrafficPage;
  readonly fields?: Readonly<Record<string, string>>;
  readonly isFirst?: boolean;
}

/** Links have milliseconds, where the form has a date and a time. */
function forInput(text: string): string {
  return /^\d{12,14}$/.test(text) ? toLocalInput(Number(text)) : text;
}
