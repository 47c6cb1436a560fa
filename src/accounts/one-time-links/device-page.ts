import type { Request, Response } from 'express';
import { auditOrigin } from '../../http/audit-origin.ts';
import { deviceName } from '../../sessions/device-view.ts';
import type { SessionLifecycle } from '../../sessions/lifecycle.ts';
import { endOwnDevice, findOwnDevice } from '../../sessions/own-device.ts';
import type { Passkeys } from '../passkeys/passkeys.ts';
import type { UserStore } from '../user-store.ts';
import { type LinkPage, renderLinkOver, renderLinkPage, tokenOf } from './link-page.ts';
import type { OneTimeLinks } from './one-time-links.ts';

export interface DevicePageDeps {
  readonly links: OneTimeLinks;
  readonly users: Pick<UserStore, 'findById'>;
  readonly lifecycle: Pick<SessionLifecycle, 'devicesOf' | 'endDevice'>;
  readonly passkeys: Pick<Passkeys, 'listRecent'>;
}

/** Where the notice of a new device leads: ends that session, and asks for another password. */
export function createDevicePage({ links, users, lifecycle, passkeys }: DevicePageDeps): LinkPage {
  async function renderEnded(req: Request, res: Response, userId: string): Promise<void> {
    renderLinkPage(req, res, 'accounts/links/device-ended', {
      title: 'That session has ended',
      recentPasskeys: await passkeys.listRecent(userId),
    });
  }

  return {
    async get(req, res) {
      const link = await links.find('device_end', tokenOf(req));
      if (link === undefined) return renderLinkOver(req, res);
      const device = await findOwnDevice(lifecycle, link.userId, link.subject);
      if (device === undefined) return renderEnded(req, res, link.userId);
      renderLinkPage(req, res, 'accounts/links/device', {
        title: 'End this session?',
        action: req.path,
        device: { name: deviceName(device.userAgent), address: device.address, since: device.loginTime },
        recentPasskeys: await passkeys.listRecent(link.userId),
      });
    },

    async post(req, res) {
      const link = await links.find('device_end', tokenOf(req));
      if (link === undefined) return renderLinkOver(req, res);
      const device = await findOwnDevice(lifecycle, link.userId, link.subject);
      if (device !== undefined) {
        const user = await users.findById(link.userId);
        await endOwnDevice(lifecycle, device, auditOrigin(req, res, user?.username));
      }
      // Afterwards: one that could not end the session still works.
      await links.use('device_end', tokenOf(req));
      await renderEnded(req, res, link.userId);
    },
  };
}
