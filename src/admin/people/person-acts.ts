import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
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
  readonly registry: Pick<SessionRegistry, 'listByUser'>;
  readonly countConnections: (userIds: readonly string[]) => Promise<ReadonlyMap<string, number>>;
  readonly countApiKeys: (userId: string) => Promise<number>;
}

/** What is done to a person. GET asks and changes nothing, POST does it. */
export interface PersonAct {
  readonly ask: RequestHandler;
  readonly act: RequestHandler;
}

export type PersonActs = Readonly<
  Record<'disabling' | 'enabling' | 'factors' | 'password' | 'role', PersonAct>
>;

export function createPersonActs({
  users,
  userAdmin,
  registry,
  countConnections,
  countApiKeys,
}: PersonActsDeps): PersonActs {
  async function find(req: Request): Promise<User> {
    const user = await users.findById(String(req.params['id']));
    if (user === undefined) throw notFound();
    return user;
  }

  /** The page that asks. */
  function asking(view: string, titleFor: (user: User) => string): RequestHandler {
    return async (req, res) => {
      const user = await find(req);
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
  }

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

const roleForm = z.object({ role: roleSchema });
const hrefOf = ({ id }: User): string => `${PEOPLE}/${encodeURIComponent(id)}`;

function lastAdmin({ username }: User, what: string): AppError {
  return new AppError(
    'forbidden',
    `${username} is the last administrator who can sign in, and cannot be ${what}. Make another person an administrator first. Nothing was changed.`,
  );
}
