import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { Clock } from '../../core/clock.ts';
import { notFound } from '../../errors.ts';
import { auditOrigin } from '../../http/audit-origin.ts';
import { methods } from '../../http/methods.ts';
import { renderPage } from '../../http/page.ts';
import type { RoutePolicy } from '../../http/route-policy.ts';
import { currentSession } from '../../sessions/current-session.ts';
import type { SessionLifecycle } from '../../sessions/lifecycle.ts';
import { endOwnDevice, findOwnDevice } from '../../sessions/own-device.ts';
import type { Passkeys } from '../passkeys/passkeys.ts';
import { PASSWORD_PAGE } from '../password-page.ts';
import type { AccountNotice, NoticeStore } from './notice-store.ts';

const NOTICES = '/profile/notices';
/** The page for another password, which says why. */
const ENDED = `${PASSWORD_PAGE}?notice=device_ended`;

export const NOTICE_ROUTES: readonly RoutePolicy[] = [
  { path: `${NOTICES}/:id/dismissal`, viewersToo: true },
  { path: `${NOTICES}/:id/device`, viewersToo: true, reauthenticate: { post: 'End one of your sessions' } },
];

export interface NoticePagesDeps {
  readonly noticeStore: Pick<NoticeStore, 'listOf' | 'remove'>;
  readonly lifecycle: Pick<SessionLifecycle, 'devicesOf' | 'endDevice'>;
  readonly passkeys: Pick<Passkeys, 'listRecent'>;
  readonly clock: Clock;
}

/** The answers to a notice: "that was me", or the end of that session. */
export function createNoticeRouter({ noticeStore, lifecycle, passkeys, clock }: NoticePagesDeps): Router {
  /** Only one's own; another person's is as unknown as one that does not exist (ASVS 8.2.2). */
  async function find(req: Request): Promise<AccountNotice> {
    const own = await noticeStore.listOf(currentSession(req).userId, clock.now());
    const notice = own.find(({ id }) => id === req.params['id']);
    if (notice === undefined) throw notFound();
    return notice;
  }

  const dismiss: RequestHandler = async (req, res) => {
    await noticeStore.remove(currentSession(req).userId, String(req.params['id']));
    res.redirect(303, '/dashboard');
  };

  const ask: RequestHandler = async (req: Request, res: Response) => {
    const { id, kind, device, text, createdAt } = await find(req);
    const { userId } = currentSession(req);
    // The session has ended meanwhile, at the cutoff for example: its user only needs another password.
    if ((await findOwnDevice(lifecycle, userId, device)) === undefined) return res.redirect(303, ENDED);
    renderPage(req, res, 'accounts/links/device', {
      title: 'End this session?',
      action: `${NOTICES}/${id}/device`,
      isChange: kind !== 'new_device',
      recentPasskeys: await passkeys.listRecent(userId),
      device: { name: text, address: undefined, since: createdAt },
    });
  };

  const endDevice: RequestHandler = async (req, res) => {
    const { id, device: deviceId } = await find(req);
    const { userId } = currentSession(req);
    const device = await findOwnDevice(lifecycle, userId, deviceId);
    if (device !== undefined) await endOwnDevice(lifecycle, device, auditOrigin(req, res));
    await noticeStore.remove(userId, id);
    res.redirect(303, ENDED);
  };

  const router = Router({ caseSensitive: true });
  methods(router, `${NOTICES}/:id/dismissal`, { post: dismiss });
  methods(router, `${NOTICES}/:id/device`, { get: ask, post: endDevice });
  return router;
}
