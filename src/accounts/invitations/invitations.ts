import { randomUUID } from 'node:crypto';
import type { AuditLog, AuditOrigin } from '../../core/audit-event.ts';
import type { Clock } from '../../core/clock.ts';
import { DAY_MS } from '../../core/duration.ts';
import type { SendMail } from '../../core/mail.ts';
import type { Role } from '../../core/role.ts';
import { invitationMail } from '../account-mails.ts';
import { readNewAccount } from '../new-account.ts';
import { generateLinkToken, linkDigest } from '../one-time-links/link-token.ts';
import type { PasswordHasher } from '../password-hasher.ts';
import type { PasswordRules } from '../password-rules.ts';
import type { User, UserStore } from '../user-store.ts';
import type { Invitation, InvitationStore } from './invitation-store.ts';

export const INVITATION_PATH = '/invitations';
const PURPOSE = 'invitation';
const MOST_LISTED = 200;
/** So long one that is over stays in the list. */
const REMEMBERED_MS = 30 * DAY_MS;

export interface NewInvitation {
  readonly email: string | undefined;
  readonly role: Role;
  readonly lifetimeMs: number;
}

export type AcceptResult =
  | { readonly kind: 'accepted'; readonly user: User }
  | { readonly kind: 'invalid'; readonly fields: Readonly<Record<string, string>> }
  /** Unknown, used, revoked or too old. */
  | { readonly kind: 'over' };

/** Accounts that people make for themselves, because an administrator asked them to. */
export interface Invitations {
  /** The link has a token that is nowhere else. It is mailed as well where there is an address and a mail server. */
  create(
    wish: NewInvitation,
    by: { readonly userId: string; readonly username: string },
    origin: AuditOrigin,
  ): Promise<{ readonly url: string; readonly invitation: Invitation }>;
  list(): Promise<readonly Invitation[]>;
  find(id: string): Promise<Invitation | undefined>;
  /** False where it has ended already. */
  revoke(id: string, origin: AuditOrigin): Promise<boolean>;
  findOpen(token: string): Promise<Invitation | undefined>;
  /** Makes the account and uses the invitation up, in one transaction. The new user signs in afterwards. */
  accept(token: string, input: Readonly<Record<string, unknown>>, origin: AuditOrigin): Promise<AcceptResult>;
  readonly cleanup: () => Promise<void>;
}

export interface InvitationsDeps {
  readonly store: InvitationStore;
  readonly users: Pick<UserStore, 'createInvitedUser'>;
  readonly rules: PasswordRules;
  readonly hasher: Pick<PasswordHasher, 'hash'>;
  readonly sendMail: SendMail;
  readonly audit: AuditLog;
  readonly clock: Clock;
  /** BASE_URL. */
  readonly publicOrigin: string;
}

export function createInvitations(deps: InvitationsDeps): Invitations {
  const { store, users, rules, hasher, sendMail, audit, clock, publicOrigin } = deps;

  async function findOpen(token: string): Promise<Invitation | undefined> {
    const digest = linkDigest(PURPOSE, token);
    return digest === undefined ? undefined : store.findOpen(digest, clock.now());
  }

  return {
    async create({ email, role, lifetimeMs }, { userId, username }, origin) {
      const token = generateLinkToken();
      const now = clock.now();
      const facts = { email, role, invitedBy: userId, createdAt: now, expiresAt: now + lifetimeMs };
      const invitation = { id: randomUUID(), ...facts, outcome: undefined, endedAt: undefined };
      await store.add(invitation, linkDigest(PURPOSE, token) ?? '');
      const { id, expiresAt } = invitation;
      await audit.record(
        { type: 'invitation.created', invitationId: id, role, email: email ?? null },
        origin,
      );
      const url = `${publicOrigin}${INVITATION_PATH}/${token}`;
      if (email !== undefined) await sendMail(invitationMail(email, username, { url, expiresAt }));
      return { url, invitation };
    },

    list: () => store.list(MOST_LISTED),
    find: store.find,

    async revoke(id, origin) {
      const wasOpen = await store.revoke(id, clock.now());
      if (wasOpen) await audit.record({ type: 'invitation.revoked', invitationId: id }, origin);
      return wasOpen;
    },

    findOpen,

    async accept(token, input, origin) {
      const invitation = await findOpen(token);
      const digest = linkDigest(PURPOSE, token);
      if (invitation === undefined || digest === undefined) return { kind: 'over' };
      const { email: invitedEmail, role, id } = invitation;
      const account = await readNewAccount({ ...input, email: invitedEmail ?? input['email'] }, rules);
      if (!account.ok) return { kind: 'invalid', fields: account.fields };
      const { username, email, password } = account.values;
      const made = await users.createInvitedUser(
        { username, email, role, passwordHash: await hasher.hash(password) },
        (trx) => store.accept(digest, clock.now(), trx),
      );
      if (made.kind === 'username_taken')
        return { kind: 'invalid', fields: { username: 'This username is taken. Choose another one.' } };
      if (made.kind !== 'created') return { kind: 'over' };
      const { user } = made;
      const who = { ...origin, actor: username };
      await audit.recordMany(
        [
          { type: 'account.created', userId: user.id, username, role },
          { type: 'invitation.accepted', userId: user.id, invitationId: id },
        ],
        who,
      );
      return { kind: 'accepted', user };
    },

    cleanup: () => store.forgetOver(clock.now() - REMEMBERED_MS),
  };
}
