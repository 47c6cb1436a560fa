import { type Request, type Response, Router } from 'express';
import { methods } from '../http/methods.ts';
import { renderPage } from '../http/page.ts';
import { queryText } from '../http/query-text.ts';
import type { RoutePolicy } from '../http/route-policy.ts';
import {
  describeWho,
  type ExplainedRules,
  type ExplainedUser,
  type Explanation,
  explain,
} from './explanation.ts';
import type { LiveRules } from './live-rules.ts';
import type { RuleUses } from './rule-uses.ts';
import type { GatewayRule } from './rules.ts';

const GATEWAY = '/security/gateway';

/** Of a question: as much as Node reads of a request's head, so that no address is cut and explained as another one. */
const LONGEST = 16 * 1024;

export const GATEWAY_PAGE_ROUTES: readonly RoutePolicy[] = [{ path: GATEWAY, role: 'admin' }];

/** The account of a name; undefined where there is none. */
export type FindExplainedUser = (username: string) => Promise<ExplainedUser | undefined>;

export interface GatewayPageDeps {
  readonly rules: Pick<LiveRules, 'current' | 'file'>;
  readonly uses: Pick<RuleUses, 'list'>;
  readonly findUser: FindExplainedUser;
  readonly isRelayed: ExplainedRules['isRelayed'];
}

/** As the form has it: the answer to its question, or what is wrong with it, by field. */
type Question = { readonly url: string; readonly user: string; readonly method: string } & (
  | { readonly explanation?: Explanation }
  | { readonly fields: Readonly<Record<string, string>> }
);

/** `/security/gateway`: who may open an address, and why; the rules, and when each was last used. */
export function createGatewayPage({ rules, uses, findUser, isRelayed }: GatewayPageDeps): Router {
  async function answer(req: Request): Promise<Question> {
    const asked = {
      url: queryText(req, 'url', LONGEST),
      user: queryText(req, 'user', LONGEST),
      method: queryText(req, 'method', LONGEST) || 'GET',
    };
    if (asked.url === '') return asked;
    const user = asked.user === '' ? undefined : await findUser(asked.user);
    if (asked.user !== '' && user === undefined)
      return { ...asked, fields: { user: 'There is no account of this name.' } };
    const explanation = explain({ rules: rules.current(), isRelayed }, asked, user);
    if (explanation !== undefined) return { ...asked, explanation };
    return { ...asked, fields: { url: 'This is no whole address, like https://grafana.example.com/d/abc.' } };
  }

  async function show(req: Request, res: Response): Promise<void> {
    const question = await answer(req);
    if ('fields' in question) res.status(400);
    const lastUses = new Map((await uses.list()).map((use) => [use.rule, use]));
    renderPage(req, res, 'gateway/index', {
      title: 'Gateway',
      fields: {},
      explanation: undefined,
      ...question,
      file: rules.file,
      rules: rules.current().map((rule) => ({ ...showRule(rule), lastUse: lastUses.get(rule.name) })),
    });
  }

  const router = Router({ caseSensitive: true });
  methods(router, GATEWAY, { get: show });
  return router;
}

function showRule(rule: GatewayRule) {
  const { name, line, host, path, methods: taken, who, freshMinutes, activity, upstream } = rule;
  return {
    name,
    line,
    covers: path === '/' ? host : `${host}${path}`,
    who: describeWho(who),
    conditions: [
      ...(taken ?? []),
      ...(freshMinutes === undefined ? [] : [`password within ${freshMinutes} min`]),
      ...(activity ? [] : ['no activity']),
      ...(upstream === undefined ? [] : [`relayed to ${upstream}`]),
    ],
  };
}
