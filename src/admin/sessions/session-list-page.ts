import type { RequestHandler } from 'express';
import type { Clock } from '../../core/clock.ts';
import { toReceiptView } from '../../core/receipt-view.ts';
import type { Receipt } from '../../core/revocation.ts';
import { renderPage } from '../../http/page.ts';
import { hrefWith } from '../../http/pager.ts';
import { type Notices, noticeOf, queryText } from '../../http/query-text.ts';
import { currentSession } from '../../sessions/current-session.ts';
import { toDeviceView } from '../../sessions/device-view.ts';
import type { DeviceSession } from '../../sessions/session-data.ts';
import type { SessionCursor, SessionRegistry } from '../../sessions/session-storage.ts';
import { createSessionSearch, type SessionSearchDeps } from './session-search.ts';

export interface SessionListPageDeps extends SessionSearchDeps {
  readonly registry: Pick<SessionRegistry, 'listNewest' | 'listByUser' | 'countBefore'>;
  readonly clock: Clock;
  readonly receiptOf: (orderId: string) => Promise<Receipt | undefined>;
  readonly brokerName: (broker: string) => string;
}

export const SESSIONS = '/security/sessions';
const LONGEST_SEARCH = 60;

const NOTICES: Notices = new Map([['gone', 'That session is over already.']]);

/** All sessions, newest first. */
export function createSessionListPage(deps: SessionListPageDeps): RequestHandler {
  const { registry, clock, receiptOf, brokerName } = deps;
  const find = createSessionSearch(deps);

  return async function listSessions(req, res) {
    const person = queryText(req, 'person', LONGEST_SEARCH);
    const text = queryText(req, 'q', LONGEST_SEARCH);
    const from = readCursor(req.query['from']);
    const receiptId = queryText(req, 'receipt', LONGEST_SEARCH);
    const [found, total, receipt] = await Promise.all([
      find({ person, text, from }),
      registry.countBefore(clock.now() + 1),
      receiptId === '' ? undefined : receiptOf(receiptId),
    ]);
    renderPage(req, res, 'admin/sessions/index', {
      title: 'Sessions',
      sessions: found.devices.map((device) => toSessionView(device, currentSession(req).sid)),
      total,
      search: { person, text, isNarrowed: person !== '' || text !== '' },
      isFirst: from === undefined,
      isPaused: found.isPaused,
      hasMorePeople: found.hasMorePeople,
      pages: {
        first: from === undefined ? undefined : hrefWith(SESSIONS, { person, q: text }),
        older:
          found.next === undefined
            ? undefined
            : hrefWith(SESSIONS, { person, q: text, from: `${found.next.loginTime}-${found.next.skip}` }),
      },
      receipt: receipt === undefined ? undefined : toReceiptView(receipt, { viewer: 'admin', brokerName }),
      notice: noticeOf(req, NOTICES),
    });
  };
}

/** A session as pages for administrators show it: whose, and where the question is that ends it. */
export function toSessionView(device: DeviceSession, currentSid: string) {
  const { userId, username, deviceId } = device;
  return {
    ...toDeviceView(device, currentSid),
    username,
    endHref: `${SESSIONS}/${encodeURIComponent(userId)}/${encodeURIComponent(deviceId)}/revocation`,
    endAllHref: `${SESSIONS}/${encodeURIComponent(userId)}/revocation`,
  };
}

/** `<ms since the epoch>-<how many of that instant>`. Anything else is the beginning. */
function readCursor(value: unknown): SessionCursor | undefined {
  const [, loginTime, skip] = /^(\d{1,15})-(\d{1,9})$/.exec(typeof value === 'string' ? value : '') ?? [];
  return loginTime === undefined ? undefined : { loginTime: Number(loginTime), skip: Number(skip) };
}
