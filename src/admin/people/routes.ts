import { Router } from 'express';
import { methods } from '../../http/methods.ts';
import type { RoutePolicy } from '../../http/route-policy.ts';
import { createInvitationPages, INVITATIONS, type InvitationPagesDeps } from './invitation-pages.ts';
import { createPeoplePages, type PeoplePagesDeps } from './people-pages.ts';
import { createPersonActs, type PersonActsDeps } from './person-acts.ts';
import { PEOPLE } from './person-view.ts';

export type PeopleRouterDeps = PeoplePagesDeps & PersonActsDeps & InvitationPagesDeps;

export const PEOPLE_ROUTES: readonly RoutePolicy[] = [
  { path: PEOPLE, role: 'admin', reauthenticate: ['post'] },
  { path: `${PEOPLE}/:id`, role: 'admin' },
  { path: `${PEOPLE}/new`, role: 'admin', reauthenticate: ['get'] },
  { path: INVITATIONS, role: 'admin', reauthenticate: ['post'] },
  { path: `${INVITATIONS}/:id/revocation`, role: 'admin' },
  ...['disabling', 'enabling', 'factors', 'password', 'reset-link', 'role'].map(
    (act): RoutePolicy => ({ path: `${PEOPLE}/:id/${act}`, role: 'admin', reauthenticate: ['get', 'post'] }),
  ),
];

/** `/users`: the people who may sign in, for administrators. */
export function createPeopleRouter(deps: PeopleRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const pages = createPeoplePages(deps);

  methods(router, PEOPLE, { get: pages.list, post: pages.create });
  methods(router, `${PEOPLE}/new`, { get: pages.showNew });
  const invitations = createInvitationPages(deps);
  methods(router, INVITATIONS, { get: invitations.list, post: invitations.create });
  methods(router, `${INVITATIONS}/:id/revocation`, { post: invitations.revoke });
  methods(router, `${PEOPLE}/:id`, { get: pages.show });
  for (const [name, { ask, act }] of Object.entries(createPersonActs(deps)))
    methods(router, `${PEOPLE}/:id/${name}`, { get: ask, post: act });
  return router;
}
