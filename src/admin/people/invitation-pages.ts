import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { Invitation } from '../../accounts/invitations/invitation-store.ts';
import type { Invitations } from '../../accounts/invitations/invitations.ts';
import { emailSchema } from '../../accounts/new-account.ts';
import type { Clock } from '../../core/clock.ts';
import { DAY_MS } from '../../core/duration.ts';
import { ROLE_NAMES } from '../../core/role.ts';
import { notFound } from '../../errors.ts';
import { auditOrigin } from '../../http/audit-origin.ts';
import { readForm } from '../../http/form.ts';
import { renderPage } from '../../http/page.ts';
import { type Notices, noticeOf } from '../../http/query-text.ts';
import { currentSession } from '../../sessions/current-session.ts';
import { PEOPLE } from './person-view.ts';
import { roleChoices, roleSchema } from './role-choices.ts';

export const INVITATIONS = `${PEOPLE}/invitations`;

export interface InvitationPagesDeps {
  readonly invitations: Pick<Invitations, 'create' | 'list' | 'find' | 'revoke'>;
  readonly mailIsOn: boolean;
  readonly clock: Clock;
}

const LIFETIMES = [
  { value: '1', label: 'One day' },
  { value: '3', label: 'Three days' },
  { value: '7', label: 'One week' },
  { value: '30', label: 'Thirty days' },
] as const;
const USUAL_DAYS = '3';

const NOTICES: Notices = new Map([
  ['revoked', 'The invitation is revoked: its link does not work any more.'],
  ['ended', 'That invitation had ended already.'],
]);

const invitationForm = z.object({
  email: z
    .string()
    .trim()
    .transform((text) => (text === '' ? undefined : text))
    .pipe(emailSchema.optional())
    .optional(),
  role: roleSchema,
  days: z
    .enum(
      LIFETIMES.map(({ value }) => value),
      { error: 'Choose how long it works.' },
    )
    .default(USUAL_DAYS)
    .transform(Number),
});

type Fields = Readonly<Record<string, string>>;

/** Inviting people: the link is shown once, and mailed where there is an address and a mail server. */
export function createInvitationPages({
  invitations,
  mailIsOn,
  clock,
}: InvitationPagesDeps): Readonly<Record<'list' | 'create' | 'revoke', RequestHandler>> {
  async function render(req: Request, res: Response, fields: Fields = {}): Promise<void> {
    if (Object.keys(fields).length > 0) res.status(400);
    const typed = (req.body ?? {}) as Readonly<Record<string, unknown>>;
    const now = clock.now();
    renderPage(req, res, 'admin/people/invitations', {
      title: 'Invitations',
      invitations: (await invitations.list()).map((invitation) => toView(invitation, now)),
      roles: roleChoices(String(typed['role'] ?? 'user')),
      lifetimes: LIFETIMES.map((each) => ({
        ...each,
        chosen: each.value === String(typed['days'] ?? USUAL_DAYS),
      })),
      values: { email: String(typed['email'] ?? '').slice(0, 300) },
      mailIsOn,
      notice: noticeOf(req, NOTICES),
      fields,
    });
  }

  return {
    list: (req, res) => render(req, res),

    async create(req, res) {
      const form = readForm(invitationForm, req);
      if (!form.ok) return render(req, res, form.fields);
      const { email, role, days } = form.values;
      const { url, invitation } = await invitations.create(
        { email, role, lifetimeMs: days * DAY_MS },
        currentSession(req),
        auditOrigin(req, res),
      );
      renderPage(req, res.status(201), 'admin/people/link', {
        title: 'The invitation is ready',
        purpose: `Invitation, as ${ROLE_NAMES[role].toLowerCase()}`,
        url,
        expiresAt: invitation.expiresAt,
        mailedTo: mailIsOn ? email : undefined,
        href: INVITATIONS,
      });
    },

    async revoke(req, res) {
      const invitation = await invitations.find(String(req.params['id']));
      if (invitation === undefined) throw notFound();
      const wasOpen = await invitations.revoke(invitation.id, auditOrigin(req, res));
      res.redirect(303, `${INVITATIONS}?notice=${wasOpen ? 'revoked' : 'ended'}`);
    },
  };
}

function toView({ id, email, role, createdAt, expiresAt, outcome }: Invitation, now: number) {
  const isOpen = outcome === undefined && expiresAt > now;
  return {
    id,
    email,
    role: ROLE_NAMES[role],
    createdAt,
    expiresAt,
    isOpen,
    state: isOpen ? 'Open' : STATES[outcome ?? 'expired'],
  };
}

const STATES = { accepted: 'Accepted', revoked: 'Revoked', expired: 'Expired' } as const;
