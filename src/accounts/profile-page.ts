import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { AuditLog } from '../core/audit-event.ts';
import { HOUR_MS, SECOND_MS } from '../core/duration.ts';
import type { SendMail } from '../core/mail.ts';
import { ROLE_NAMES } from '../core/role.ts';
import { AppError, invalid } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { createCompoundLimiter } from '../http/compound-limiter.ts';
import { readForm, refuseForm, typedText } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { type Notices, noticeOf } from '../http/query-text.ts';
import { currentSession } from '../sessions/current-session.ts';
import { toDeviceView } from '../sessions/device-view.ts';
import type { SessionLifecycle } from '../sessions/lifecycle.ts';
import type { RedisClient } from '../storage/redis.ts';
import { emailChangeMail } from './account-mails.ts';
import { emailSchema } from './new-account.ts';
import type { LinkStore } from './one-time-links/link-store.ts';
import type { OneTimeLinks } from './one-time-links/one-time-links.ts';
import type { SecondFactor } from './second-factor/second-factor.ts';
import { type RecordedSignIn, toSignInView } from './sign-in-history.ts';
import { tooManyAttempts } from './too-many-attempts.ts';
import type { User, UserStore } from './user-store.ts';

export const PROFILE = '/profile';
export const EMAIL_PAGE = `${PROFILE}/email`;

export interface ProfilePagesDeps {
  readonly users: Pick<UserStore, 'findById' | 'setEmail'>;
  readonly links: Pick<OneTimeLinks, 'create'>;
  readonly linkStore: Pick<LinkStore, 'removeAllOf'>;
  readonly sendMail: SendMail;
  readonly mailIsOn: boolean;
  readonly redis: RedisClient | undefined;
  readonly secondFactor: Pick<SecondFactor, 'stateOf'>;
  readonly lifecycle: Pick<SessionLifecycle, 'devicesOf'>;
  /** The user's last sign-ins, failed ones too, newest first. */
  readonly signInsOf: (userId: string) => Promise<readonly RecordedSignIn[]>;
  readonly audit: AuditLog;
}

/** Notices on top of the page, chosen by a fixed word in its address. */
const NOTICES: Notices = new Map([
  ['email', 'Your email address is changed.'],
  [
    'email_link',
    'A link is on its way to that address. Your email address changes when you open it, within an hour.',
  ],
]);

const emailForm = z.object({ email: emailSchema });

/** A user's own account: who they are, what protects it, and who signed in. */
export function createProfilePages({
  users,
  secondFactor,
  lifecycle,
  signInsOf,
  audit,
  links,
  linkStore,
  sendMail,
  mailIsOn,
  redis,
}: ProfilePagesDeps): Readonly<Record<'show' | 'showEmail' | 'changeEmail', RequestHandler>> {
  // For each user: the mails go to addresses that are not confirmed yet.
  const limiter = createCompoundLimiter({
    name: 'email-change',
    what: 'Changing the email address',
    limits: [{ points: 5, durationSeconds: HOUR_MS / SECOND_MS }],
    redis,
  });

  async function find(req: Request): Promise<User> {
    const user = await users.findById(currentSession(req).userId);
    if (user === undefined) throw new AppError('login_required', 'Sign in first.');
    return user;
  }

  return {
    async show(req, res) {
      const { userId, sid } = currentSession(req);
      const [user, factor, devices, signIns] = await Promise.all([
        find(req),
        secondFactor.stateOf(userId),
        lifecycle.devicesOf(userId),
        signInsOf(userId),
      ]);
      renderPage(req, res, 'accounts/profile', {
        title: 'Your profile',
        user: {
          username: user.username,
          email: user.email,
          isConfirmed: user.emailConfirmed,
          role: ROLE_NAMES[user.role],
          createdAt: user.createdAt,
        },
        factor,
        mailIsOn,
        devices: devices.map((device) => toDeviceView(device, sid)),
        signIns: signIns.map(toSignInView),
        notice: noticeOf(req, NOTICES),
      });
    },

    async showEmail(req, res) {
      renderEmail(req, res, (await find(req)).email);
    },

    async changeEmail(req, res) {
      const user = await find(req);
      const form = readForm(emailForm, req);
      if (!form.ok) return refuse(req, res, invalid(form.fields), form.fields['email']);
      const { email } = form.values;
      if (mailIsOn) {
        const taking = await limiter.take(user.id);
        if (taking.kind === 'limited') return refuse(req, res, tooManyAttempts(taking.retryAfterSeconds));
        await linkStore.removeAllOf(user.id, 'email_change');
        const link = await links.create('email_change', user.id, email);
        await sendMail(emailChangeMail(user, email, link));
        return res.redirect(303, `${PROFILE}?notice=email_link`);
      }
      await users.setEmail(user.id, email, { isConfirmed: false });
      await audit.record({ type: 'account.email_changed', userId: user.id }, auditOrigin(req, res));
      res.redirect(303, `${PROFILE}?notice=email`);
    },
  };
}

/** A program gets the error; a person the form again, with what is wrong. */
function refuse(req: Request, res: Response, error: AppError, message: string = error.message): void {
  refuseForm(req, res, error);
  renderEmail(req, res, typedText(req, 'email', 300) ?? '', message);
}

function renderEmail(req: Request, res: Response, email: string, error?: string): void {
  renderPage(req, res, 'accounts/email', { title: 'Change email address', email, error });
}
