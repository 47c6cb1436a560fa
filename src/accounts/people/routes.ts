import { type RequestHandler, Router } from 'express';
import { methods } from '../../http/methods.ts';
import { createPeoplePages, type PeoplePagesDeps } from './people-pages.ts';
import { createPersonActs, type PersonActsDeps } from './person-acts.ts';
import { PEOPLE } from './person-view.ts';

export type PeopleRouterDeps = PeoplePagesDeps &
  PersonActsDeps & {
    /** Lets administrators pass, asked anew for each request. */
    readonly requireAdmin: RequestHandler;
  };

/** `/users`: the people who may sign in, for administrators. */
export function createPeopleRouter(deps: PeopleRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const { requireAdmin } = deps;
  const pages = createPeoplePages(deps);

  methods(router, PEOPLE, { get: [requireAdmin, pages.list], post: [requireAdmin, pages.create] });
  methods(router, `${PEOPLE}/new`, { get: [requireAdmin, pages.showNew] });
  methods(router, `${PEOPLE}/:id`, { get: [requireAdmin, pages.show] });
  for (const [name, { ask, act }] of Object.entries(createPersonActs(deps)))
    methods(router, `${PEOPLE}/:id/${name}`, { get: [requireAdmin, ask], post: [requireAdmin, act] });
  return router;
}
