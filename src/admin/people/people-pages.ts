import type { Request, RequestHandler, Response } from 'express';
import type { UserAdmin } from '../../accounts/user-admin.ts';
import type { User, UserStore } from '../../accounts/user-store.ts';
import { notFound } from '../../errors.ts';
import { auditOrigin } from '../../http/audit-origin.ts';
import { renderPage } from '../../http/page.ts';
import { numberedPage } from '../../http/pager.ts';
import { type Notices, noticeOf, queryText } from '../../http/query-text.ts';
import { currentSession } from '../../sessions/current-session.ts';
import type { SessionRegistry } from '../../sessions/session-storage.ts';
import { PEOPLE, type Presence, toPersonView } from './person-view.ts';
import { roleChoices, roleSchema } from './role-choices.ts';

export interface PeoplePagesDeps {
  readonly users: Pick<UserStore, 'findById' | 'search'>;
  readonly userAdmin: UserAdmin;
  readonly registry: Pick<SessionRegistry, 'listByUser'>;
  /** How many broker connections work now, of each of these people who has any. */
  readonly countConnections: (userIds: readonly string[]) => Promise<ReadonlyMap<string, number>>;
}

export type PeoplePages = Readonly<Record<'list' | 'showNew' | 'create' | 'show', RequestHandler>>;

type Fields = Readonly<Record<string, string>>;

const PAGE_SIZE = 50;
const LONGEST_SEARCH = 60;

const NOTICES: Notices = new Map([
  ['disabled', 'They are disabled, and everything of theirs has ended.'],
  [
    'disabled_in_part',
    'They are disabled. Not everything of theirs has ended yet: it is stored, and tried again until it is done.',
  ],
  ['enabled', 'They can sign in again.'],
  ['factors_reset', 'Their second factor and recovery codes are removed.'],
  ['factors_none', 'They had no second factor.'],
  ['role_changed', 'The role is changed. It counts from their next request on.'],
  ['role_unchanged', 'They had this role already.'],
]);

/** The people who may sign in: who they are, and a new one. */
export function createPeoplePages({
  users,
  userAdmin,
  registry,
  countConnections,
}: PeoplePagesDeps): PeoplePages {
  async function presenceOf(people: readonly User[]): Promise<ReadonlyMap<string, Presence>> {
    const ids = people.map(({ id }) => id);
    const [sessions, connections] = await Promise.all([
      Promise.all(ids.map((id) => registry.listByUser(id))),
      countConnections(ids),
    ]);
    return new Map(
      ids.map((id, index) => [
        id,
        { sessions: sessions[index] ?? [], connections: connections.get(id) ?? 0 },
      ]),
    );
  }

  return {
    async list(req, res) {
      const text = queryText(req, 'q', LONGEST_SEARCH);
      const page = numberedPage(req, PAGE_SIZE);
      const { offset, limit } = page;
      const found = await users.search({ text, offset, limit });
      const presence = await presenceOf(found.users);
      const { userId } = currentSession(req);
      renderPage(req, res, 'admin/people/index', {
        title: 'People',
        people: found.users.map((user) => toPersonView(user, presence.get(user.id) ?? NOBODY_HERE, userId)),
        total: found.total,
        from: offset + 1,
        text,
        pages: page.links(PEOPLE, { q: text }, { shown: found.users.length, total: found.total }),
      });
    },

    showNew: (req, res) => renderNew(req, res, {}),

    async create(req, res) {
      const { username, email, role }: Fields = typed(req);
      const chosen = roleSchema.safeParse(role);
      if (!chosen.success) return renderNew(req, res, { role: 'Choose what they may do.' });
      const made = await userAdmin.create(
        { username: username ?? '', email: email ?? '', role: chosen.data },
        auditOrigin(req, res),
      );
      if (made.kind === 'invalid') return renderNew(req, res, made.fields);
      renderTemporaryPassword(req, res.status(201), made.user, {
        title: `${made.user.username} has an account`,
        password: made.temporaryPassword,
      });
    },

    async show(req, res) {
      const user = await users.findById(String(req.params['id']));
      if (user === undefined) throw notFound();
      const presence = (await presenceOf([user])).get(user.id) ?? NOBODY_HERE;
      renderPage(req, res, 'admin/people/show', {
        title: user.username,
        person: toPersonView(user, presence, currentSession(req).userId),
        notice: noticeOf(req, NOTICES),
      });
    },
  };
}

const NOBODY_HERE: Presence = { sessions: [], connections: 0 };

/** Shown in the answer to the form and nowhere else: it is stored as a hash only. */
export function renderTemporaryPassword(
  req: Request,
  res: Response,
  user: User,
  {
    title,
    password,
    revokedApiKeys = 0,
  }: { readonly title: string; readonly password: string | undefined; readonly revokedApiKeys?: number },
): void {
  renderPage(req, res, 'admin/people/password', {
    title,
    username: user.username,
    password,
    revokedApiKeys,
    href: `${PEOPLE}/${encodeURIComponent(user.id)}`,
  });
}

function renderNew(req: Request, res: Response, fields: Fields): void {
  if (Object.keys(fields).length > 0) res.status(400);
  const values = typed(req);
  renderPage(req, res, 'admin/people/new', {
    title: 'Add a person',
    values,
    roles: roleChoices(values['role'] ?? 'user'),
    fields,
  });
}

/** A form that is shown again keeps what was typed. */
function typed(req: Request): Fields {
  const body = Object.entries((req.body ?? {}) as Readonly<Record<string, unknown>>);
  return Object.fromEntries(
    body.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value.slice(0, 300)]] : [])),
  );
}
