import { type Request, type Response, Router } from 'express';
import { invalid } from '../../errors.ts';
import { auditOrigin } from '../../http/audit-origin.ts';
import { refuseForm, typedText } from '../../http/form.ts';
import { methods } from '../../http/methods.ts';
import type { RoutePolicy } from '../../http/route-policy.ts';
import { renderLinkOver, renderLinkPage, tokenOf } from '../one-time-links/link-page.ts';
import { INVITATION_PATH, type Invitations } from './invitations.ts';

const ACCEPTANCE = `${INVITATION_PATH}/:token`;

export const INVITATION_ROUTES: readonly RoutePolicy[] = [{ path: ACCEPTANCE, class: 'form' }];

type Fields = Readonly<Record<string, string>>;

/** Where an invitation leads: the invited person chooses a username and a password. GET changes nothing. */
export function createInvitationRouter(invitations: Pick<Invitations, 'findOpen' | 'accept'>): Router {
  async function render(req: Request, res: Response, fields: Fields = {}): Promise<void> {
    const invitation = await invitations.findOpen(tokenOf(req));
    if (invitation === undefined) return renderLinkOver(req, res);
    if (Object.keys(fields).length > 0) refuseForm(req, res, invalid(fields));
    renderLinkPage(req, res, 'accounts/links/invitation', {
      title: 'Create your account',
      action: req.path,
      isEmailGiven: invitation.email !== undefined,
      values: {
        username: typedText(req, 'username') ?? '',
        email: invitation.email ?? typedText(req, 'email') ?? '',
      },
      fields,
    });
  }

  const router = Router({ caseSensitive: true });
  methods(router, ACCEPTANCE, {
    get: (req, res) => render(req, res),
    async post(req, res) {
      const input = { ...(req.body ?? {}) } as Readonly<Record<string, unknown>>;
      const done = await invitations.accept(tokenOf(req), input, auditOrigin(req, res));
      if (done.kind === 'over') return renderLinkOver(req, res);
      if (done.kind === 'invalid') return render(req, res, done.fields);
      res.redirect(303, '/auth/login?reason=setup_done');
    },
  });
  return router;
}
