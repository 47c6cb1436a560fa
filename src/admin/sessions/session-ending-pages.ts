import type { Request, RequestHandler } from 'express';
import type { Clock } from '../../core/clock.ts';
import type { Receipt } from '../../core/revocation.ts';
import { notFound } from '../../errors.ts';
import { auditOrigin } from '../../http/audit-origin.ts';
import { renderPage } from '../../http/page.ts';
import type { Revoker } from '../../revocation/revoker.ts';
import { currentSession } from '../../sessions/current-session.ts';
import type { SessionLifecycle } from '../../sessions/lifecycle.ts';
import type { DeviceSession } from '../../sessions/session-data.ts';
import type { SessionRegistry } from '../../sessions/session-storage.ts';
import { SESSIONS, toSessionView } from './session-list-page.ts';

export interface SessionEndingPagesDeps {
  readonly clock: Clock;
  readonly registry: Pick<SessionRegistry, 'listByUser' | 'countBefore'>;
  readonly lifecycle: Pick<SessionLifecycle, 'endDevice' | 'endAccount'>;
  readonly revoker: Pick<Revoker, 'revoke'>;
  readonly usernameOf: (userId: string) => Promise<string | undefined>;
  /** How many broker connections of a person work now. */
  readonly countConnectionsOf: (userId: string) => Promise<number>;
  /** How many broker connections that began before an instant (ms since the epoch) are open. */
  readonly countConnectionsBefore: (before: number) => Promise<number>;
}

/** Each asks on GET and changes nothing; POST does it and leads to the receipt. ASVS 7.4.5. */
export type SessionEndingPages = Readonly<
  Record<
    'askDevice' | 'endDevice' | 'askPerson' | 'endPerson' | 'askEverybody' | 'endEverybody',
    RequestHandler
  >
>;

export function createSessionEndingPages(deps: SessionEndingPagesDeps): SessionEndingPages {
  const { clock, registry, lifecycle, revoker, usernameOf, countConnectionsOf, countConnectionsBefore } =
    deps;

  async function findDevice(req: Request): Promise<{ device: DeviceSession; isLast: boolean } | undefined> {
    const devices = await registry.listByUser(String(req.params['userId']));
    const device = devices.find(({ deviceId }) => deviceId === req.params['deviceId']);
    return device && { device, isLast: devices.length === 1 };
  }

  async function findPerson(req: Request): Promise<{ readonly userId: string; readonly username: string }> {
    const userId = String(req.params['userId']);
    const username = await usernameOf(userId);
    if (username === undefined) throw notFound();
    return { userId, username };
  }

  /** All that began by this instant: a sign-in of the same millisecond as well. */
  const sweepBefore = (): number => clock.now() + 1;

  return {
    async askDevice(req, res) {
      const found = await findDevice(req);
      if (found === undefined) return res.redirect(303, `${SESSIONS}?notice=gone`);
      const { device, isLast } = found;
      if (device.sid === currentSession(req).sid) return res.redirect(303, '/auth/logout');
      const session = toSessionView(device, currentSession(req).sid);
      renderPage(req, res, 'admin/sessions/device', {
        title: `End the session of ${device.username}?`,
        session,
        isLast,
        connections: isLast ? await countConnectionsOf(device.userId) : 0,
      });
    },

    async endDevice(req, res) {
      const found = await findDevice(req);
      if (found === undefined) return res.redirect(303, `${SESSIONS}?notice=gone`);
      const { userId, sid } = found.device;
      if (sid === currentSession(req).sid) return res.redirect(303, '/auth/logout');
      const receipt = await lifecycle.endDevice(userId, sid, 'ended_by_admin', auditOrigin(req, res));
      res.redirect(303, receiptHref(receipt));
    },

    async askPerson(req, res) {
      const { userId, username } = await findPerson(req);
      const { sid, userId: ownId } = currentSession(req);
      const devices = await registry.listByUser(userId);
      renderPage(req, res, 'admin/sessions/person', {
        title: `End everything of ${username}?`,
        username,
        isOwn: userId === ownId,
        sessions: devices.map((device) => toSessionView(device, sid)),
        connections: await countConnectionsOf(userId),
        action: `${SESSIONS}/${encodeURIComponent(userId)}/revocation`,
      });
    },

    async endPerson(req, res) {
      const { userId } = await findPerson(req);
      const receipt = await lifecycle.endAccount(userId, 'ended_by_admin', auditOrigin(req, res));
      res.redirect(303, receiptHref(receipt));
    },

    async askEverybody(req, res) {
      const before = sweepBefore();
      const [sessions, connections] = await Promise.all([
        registry.countBefore(before),
        countConnectionsBefore(before),
      ]);
      renderPage(req, res, 'admin/sessions/everybody', {
        title: 'End all sessions?',
        sessions,
        connections,
      });
    },

    async endEverybody(req, res) {
      const scope = { kind: 'sweep', before: sweepBefore() } as const;
      const receipt = await revoker.revoke(scope, 'ended_by_admin', auditOrigin(req, res));
      res.redirect(303, receipt === undefined ? SESSIONS : receiptHref(receipt));
    },
  };
}

/** An administrator whose own session ended signs in first. */
const receiptHref = ({ orderId }: Receipt): string => `${SESSIONS}?receipt=${encodeURIComponent(orderId)}`;
