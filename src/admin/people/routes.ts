import { Router } from 'express';
import { methods } from '../../http/methods.ts';
import type { RoutePolicy } from '../../http/route-policy.ts';
import { createInvitationPages, INVITATIONS, type InvitationPagesDeps } from './invitation-pages.ts';
import { createPeoplePages, type PeoplePagesDeps } from './people-pages.ts';
import { createPersonActs, type PersonActsDeps } from './person-acts.ts';
import { PEOPLE } from './person-view.ts';

export type PeopleRouterDeps = PeoplePagesDeps & PersonActsDeps & InvitationPagesDeps;

const PERSON_ACTS = {
  disabling: 'Disable an account',
  enabling: 'Enable an account',
  factors: 'Reset the second factor of a user',
  password: 'Set a temporary password for a user',
  'reset-link': 'Make a reset link for a user',
  role: 'Change the role of a user',
};

export const PEOPLE_ROUTES: readonly RoutePolicy[] = [
  { path: PEOPLE, role: 'admin', reauthenticate: { post: 'Create an account' } },
  { path: `${PEOPLE}/:id`, role: 'admin' },
  { path: `${PEOPLE}/new`, role: 'admin', reauthenticate: { get: true } },
  { path: INVITATIONS, role: 'admin', reauthenticate: { post: 'Invite someone' } },
  { path: `${INVITATIONS}/:id/revocation`, role: 'admin' },
  ...Object.entries(PERSON_ACTS).map(
    ([act, post]): RoutePolicy => ({
      path: `${PEOPLE}/:id/${act}`,
      role: 'admin',
      reauthenticate: { get: true, post, ...(act === 'factors' && { factor: true }) },
    }),
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
