import type { AuditLog } from '../../core/audit-event.ts';
import type { Clock } from '../../core/clock.ts';
import type { SendMail } from '../../core/mail.ts';
import { auditOrigin } from '../../http/audit-origin.ts';
import { EMAIL_CHANGED } from '../account-changes.ts';
import { accountChangedMail } from '../account-mails.ts';
import type { User, UserStore } from '../user-store.ts';
import { type LinkPage, renderLinkOver, renderLinkPage, tokenOf } from './link-page.ts';
import type { StoredLink } from './link-store.ts';
import type { OneTimeLinks } from './one-time-links.ts';

export interface EmailPageDeps {
  readonly links: OneTimeLinks;
  readonly users: Pick<UserStore, 'findById' | 'setEmail'>;
  readonly sendMail: SendMail;
  readonly audit: AuditLog;
  readonly clock: Clock;
  /** BASE_URL. */
  readonly publicOrigin: string;
}

/** Where the mail to a new address leads: from then on it is the user's. */
export function createEmailPage(deps: EmailPageDeps): LinkPage {
  const { links, users, sendMail, audit, clock, publicOrigin } = deps;

  async function userOf(link: StoredLink | undefined): Promise<User | undefined> {
    const user = link && (await users.findById(link.userId));
    return user?.disabled ? undefined : user;
  }

  return {
    async get(req, res) {
      const link = await links.find('email_change', tokenOf(req));
      const user = await userOf(link);
      if (link === undefined || user === undefined) return renderLinkOver(req, res);
      renderLinkPage(req, res, 'accounts/links/email', {
        title: 'Confirm your email address',
        action: req.path,
        username: user.username,
        email: link.subject,
      });
    },

    async post(req, res) {
      const link = await links.use('email_change', tokenOf(req));
      const user = await userOf(link);
      if (link === undefined || user === undefined) return renderLinkOver(req, res);
      await users.setEmail(user.id, link.subject, { isConfirmed: true });
      const origin = auditOrigin(req, res, user.username);
      if (user.email !== link.subject) {
        const change = { ...EMAIL_CHANGED, consequence: `Mails now go to ${link.subject}.` };
        await sendMail(accountChangedMail(user, change, { at: clock.now(), origin, publicOrigin }));
      }
      await audit.record({ type: 'account.email_changed', userId: user.id }, origin);
      renderLinkPage(req, res, 'accounts/links/email-confirmed', {
        title: 'Your email address is confirmed',
        email: link.subject,
      });
    },
  };
}
