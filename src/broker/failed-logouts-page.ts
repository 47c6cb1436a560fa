import type { Request, RequestHandler } from 'express';
import type { AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import { notFound } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { renderPage } from '../http/page.ts';
import type { BrokerAdapters } from './broker-adapter.ts';
import type { FailedLogout, FailedLogoutStore } from './failed-logout-store.ts';

export interface FailedLogoutsPageDeps {
  readonly failedLogouts: FailedLogoutStore;
  readonly adapters: BrokerAdapters;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly wakeLogouts: () => void;
}

const PATH = '/broker/logouts';

/** For administrators: the logouts that brokers could not be told of, to be tried again or put away. */
export function createFailedLogoutsPage(deps: FailedLogoutsPageDeps): {
  readonly show: RequestHandler;
  readonly tryAgain: RequestHandler;
  readonly dismiss: RequestHandler;
} {
  const { failedLogouts, adapters, clock, audit, wakeLogouts } = deps;

  return {
    async show(req, res) {
      renderPage(req, res, 'broker/logouts', {
        title: 'Failed broker logouts',
        letters: (await failedLogouts.list()).map(toView),
        open: (await failedLogouts.count()).open,
      });
    },

    async tryAgain(req, res) {
      const logout = await failedLogouts.tryAgain(idOf(req), clock.now());
      if (logout === undefined) throw notFound();
      wakeLogouts();
      await audit.record({ type: 'broker.logout_tried_again', ...logout }, auditOrigin(req, res));
      res.redirect(303, PATH);
    },

    async dismiss(req, res) {
      const logout = await failedLogouts.dismiss(idOf(req));
      if (logout === undefined) throw notFound();
      await audit.record({ type: 'broker.logout_dismissed', ...logout }, auditOrigin(req, res));
      res.redirect(303, PATH);
    },
  };

  function toView(letter: FailedLogout) {
    const { id, username, broker, requestedAt, attempts, why, expiresAt, hasToken } = letter;
    const isOver = expiresAt !== undefined && expiresAt <= clock.now();
    return {
      id,
      username,
      broker: adapters.get(broker)?.name ?? broker,
      requestedAt,
      attempts,
      reason: REASONS.get(why) ?? `The broker’s answer: ${why}`,
      liveUntil: isOver ? undefined : expiresAt,
      isOver,
      canBeTried: hasToken && !isOver,
    };
  }
}

const idOf = (req: Request): string => String(req.params['id']);

/** The reasons that have nothing of a broker's protocol in them. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['credentials_missing', 'The person’s app keys for this broker are gone'],
  ['unreadable', 'The stored token could not be read'],
  ['unknown_broker', 'This server does not have this broker any more'],
  ['timeout', 'The broker did not answer in time'],
  ['network', 'The broker could not be reached'],
  ['server_error', 'The broker’s server failed'],
  ['rate_limited', 'The broker took no more requests'],
  ['redirected', 'The broker sent the request elsewhere, which is not followed'],
  ['garbled_response', 'What the broker answered was not its protocol'],
  ['invalid_credentials', 'The person’s app keys cannot be ones of this broker'],
  ['error', 'Curfew failed at asking the broker; see the log'],
]);
