import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import type { ResetRequests } from '../../accounts/one-time-links/reset-requests.ts';
import type { UserAdmin } from '../../accounts/user-admin.ts';
import type { User, UserStore } from '../../accounts/user-store.ts';
import { AppError, notFound } from '../../errors.ts';
import { auditOrigin } from '../../http/audit-origin.ts';
import { requireForm } from '../../http/form.ts';
import { renderPage } from '../../http/page.ts';
import { currentSession } from '../../sessions/current-session.ts';
import type { SessionRegistry } from '../../sessions/session-storage.ts';
import { renderTemporaryPassword } from './people-pages.ts';
import { PEOPLE, toPersonView } from './person-view.ts';
import { roleChoices, roleSchema } from './role-choices.ts';

export interface PersonActsDeps {
  readonly users: Pick<UserStore, 'findById'>;
  readonly userAdmin: UserAdmin;
  readonly resetRequests: Pick<ResetRequests, 'forUser'>;
  /** Whether an administrator without a second factor must set one up before they reset one. */
  readonly mayResetFactors: (user: Pick<User, 'id' | 'role'>) => Promise<boolean>;
  readonly registry: Pick<SessionRegistry, 'listByUser'>;
  readonly countConnections: (userIds: readonly string[]) => Promise<ReadonlyMap<string, number>>;
  readonly countApiKeys: (userId: string) => Promise<number>;
}

/** An act on a user. GET asks and changes nothing, POST does it. */
export interface PersonAct {
  readonly ask: RequestHandler;
  readonly act: RequestHandler;
}

export type PersonActs = Readonly<
  Record<'disabling' | 'enabling' | 'factors' | 'password' | 'reset-link' | 'role', PersonAct>
>;

export function createPersonActs(deps: PersonActsDeps): PersonActs {
  const { users, userAdmin, resetRequests, mayResetFactors } = deps;
  const find = (req: Request): Promise<User> => findUser(users, req);
  const asking = createAsking(deps);

  return {
    disabling: {
      ask: asking('disabling', ({ username }) => `Disable ${username}?`),
      async act(req, res) {
        const user = await find(req);
        const done = await userAdmin.disable(user.username, auditOrigin(req, res));
        if (done.kind === 'unknown_user') throw notFound();
        if (done.kind === 'last_admin') throw lastAdmin(done.user, 'disabled');
        const notice = done.receipt.status === 'done' ? 'disabled' : 'disabled_in_part';
        res.redirect(303, `${hrefOf(user)}?notice=${notice}`);
      },
    },

    enabling: {
      ask: asking('enabling', ({ username }) => `Let ${username} sign in again?`),
      async act(req, res) {
        const user = await find(req);
        await userAdmin.enable(user.username, auditOrigin(req, res));
        res.redirect(303, `${hrefOf(user)}?notice=enabled`);
      },
    },

    factors: {
      ask: asking('factors', ({ username }) => `Reset the second factor of ${username}?`),
      async act(req, res) {
        const user = await find(req);
        const { userId, role } = currentSession(req);
        if (!(await mayResetFactors({ id: userId, role }))) throw ownFactorFirst();
        const done = await userAdmin.resetFactors(user.username, auditOrigin(req, res));
        if (done.kind === 'unknown_user') throw notFound();
        res.redirect(303, `${hrefOf(user)}?notice=factors_${done.kind}`);
      },
    },

    password: {
      ask: asking('reset', ({ username }) => `Give ${username} a new password?`),
      async act(req, res) {
        const user = await find(req);
        const keepApiKeys = req.body?.keepApiKeys === 'yes';
        const origin = auditOrigin(req, res);
        const done = await userAdmin.resetPassword(user.username, undefined, origin, { keepApiKeys });
        if (done.kind !== 'reset') throw notFound();
        renderTemporaryPassword(req, res, user, {
          title: `${user.username} has a new password`,
          password: done.temporaryPassword,
          revokedApiKeys: done.revokedApiKeys,
        });
      },
    },

    'reset-link': {
      ask: asking('reset-link', ({ username }) => `Create a reset link for ${username}?`),
      async act(req, res) {
        const user = await find(req);
        if (user.disabled) throw disabledUser(user);
        const link = await resetRequests.forUser(user, 'administrator', auditOrigin(req, res));
        renderPage(req, res, 'admin/people/link', {
          title: `A reset link for ${user.username}`,
          purpose: `${user.username} chooses a new password with it`,
          url: link.url,
          expiresAt: link.expiresAt,
          mailedTo: undefined,
          href: hrefOf(user),
        });
      },
    },

    role: {
      ask: asking('role', ({ username }) => `Change the role of ${username}?`),
      async act(req, res) {
        const user = await find(req);
        const { role } = requireForm(roleForm, req);
        const done = await userAdmin.changeRole(user.username, role, auditOrigin(req, res));
        if (done.kind === 'unknown_user') throw notFound();
        if (done.kind === 'last_admin') throw lastAdmin(done.user, 'made less');
        res.redirect(303, `${hrefOf(user)}?notice=role_${done.kind}`);
      },
    },
  };
}

async function findUser(users: PersonActsDeps['users'], req: Request): Promise<User> {
  const user = await users.findById(String(req.params['id']));
  if (user === undefined) throw notFound();
  return user;
}

/** The page that asks. */
function createAsking({ users, registry, countConnections, countApiKeys }: PersonActsDeps) {
  return function asking(view: string, titleFor: (user: User) => string): RequestHandler {
    return async (req, res) => {
      const user = await findUser(users, req);
      const [sessions, connections, apiKeys] = await Promise.all([
        registry.listByUser(user.id),
        countConnections([user.id]),
        countApiKeys(user.id),
      ]);
      const presence = { sessions, connections: connections.get(user.id) ?? 0 };
      renderPage(req, res, `admin/people/${view}`, {
        title: titleFor(user),
        person: toPersonView(user, presence, currentSession(req).userId),
        roles: roleChoices(user.role),
        apiKeys,
      });
    };
  };
}

const roleForm = z.object({ role: roleSchema });
const hrefOf = ({ id }: User): string => `${PEOPLE}/${encodeURIComponent(id)}`;

const ownFactorFirst = (): AppError =>
  new AppError(
    'forbidden',
    'Set up a second factor of your own first, on your profile: resetting that of another person asks for it. Nothing was changed.',
  );

const disabledUser = ({ username }: User): AppError =>
  new AppError('forbidden', `${username} is disabled. Let them sign in again first. Nothing was changed.`);

function lastAdmin({ username }: User, what: string): AppError {
  return new AppError(
    'forbidden',
    `${username} is the last administrator who can sign in, and cannot be ${what}. Make another person an administrator first. Nothing was changed.`,
  );
}
