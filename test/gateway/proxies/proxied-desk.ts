import { createRulesFile } from '../../support/rules-file.ts';
import { startTestServer, type TestServer, type TestServerOptions } from '../../support/test-server.ts';
import { createVisitor, PERSON, signIn, type Visitor } from '../../support/visitor.ts';
import { type RealProxy, startRealProxies } from './real-proxies.ts';
import { type RecordingTool, startRecordingTool } from './recording-tool.ts';

/** A Curfew, a tool, and every proxy between them. */
export interface ProxiedDesk {
  readonly curfew: TestServer;
  readonly tool: RecordingTool;
  readonly proxies: readonly RealProxy[];
  stopCurfew(): Promise<void>;
  close(): Promise<void>;
}

export const ADMIN = PERSON;
export const TRADER = {
  username: 'ravi',
  password: 'long-quiet-evening-77',
  email: 'ravi@example.org',
} as const;
export const VIEWER = {
  username: 'meera',
  password: 'early-silver-harvest-31',
  email: 'meera@example.org',
} as const;

/** The tools' hosts at a proxy. */
export const notebookAt = ({ port }: RealProxy): string => `notebook.desk.test:${port}`;
export const grafanaAt = ({ port }: RealProxy): string => `grafana.desk.test:${port}`;

/** The same for each proxy. `/admin` is guarded more than the rest of the notebook, and `/public` less; Grafana is for administrators. */
function rulesFor(proxy: RealProxy): string {
  const rule = (name: string, host: string, more: string): string =>
    `  - { name: ${proxy.name} ${name}, host: '${host}', ${more} }\n`;
  const [notebook, grafana] = [notebookAt(proxy), grafanaAt(proxy)];
  return [
    rule('public', notebook, 'path: /public, who: public'),
    rule('admin', notebook, 'path: /admin, who: { roles: [admin] }'),
    rule('orders', notebook, 'path: /orders, who: signed-in, fresh: 10'),
    rule('traders', notebook, 'path: /trade, who: { roles: [admin, user] }'),
    rule('readers', notebook, 'path: /read, methods: [GET, HEAD], who: signed-in'),
    rule('nobody', notebook, 'path: /read, who: { people: [nobody] }'),
    rule('notebook', notebook, 'who: signed-in'),
    rule('grafana', grafana, 'who: { roles: [admin] }'),
  ].join('');
}

/** Everything started, with an administrator, a trader and a viewer. */
export async function openProxiedDesk(
  options: TestServerOptions,
  startProxies = startRealProxies,
): Promise<ProxiedDesk> {
  const rules = createRulesFile();
  const tool = await startRecordingTool();
  const curfew = await startTestServer({
    ...options,
    env: { TRUST_PROXY: '127.0.0.1', GATEWAY_RULES: rules.path, ...options.env },
  });
  const proxies = await startProxies({ curfewPort: curfew.config.port, toolPorts: tool.ports });
  rules.write(`rules:\n${proxies.map(rulesFor).join('')}`);
  await curfew.services.gateway.rules.reload();
  await createPeople(curfew);
  let stopped: Promise<void> | undefined;
  const stopCurfew = (): Promise<void> => (stopped ??= curfew.close());
  return {
    curfew,
    tool,
    proxies,
    stopCurfew,
    async close() {
      await Promise.all(proxies.map((proxy) => proxy.stop()));
      await stopCurfew();
      await tool.close();
      rules.remove();
    },
  };
}

async function createPeople({ services }: TestServer): Promise<void> {
  for (const [person, role] of [
    [ADMIN, 'admin'],
    [TRADER, 'user'],
    [VIEWER, 'viewer'],
  ] as const) {
    const { kind } = await services.accounts.userAdmin.create({ ...person, role }, { actor: 'test' });
    if (kind !== 'created') throw new Error(`${person.username}: ${kind}`);
  }
}

/** The session cookie of a person who has just signed in. */
export async function cookieOf(
  { curfew }: ProxiedDesk,
  person: Readonly<Record<string, string>>,
): Promise<string> {
  const visitor: Visitor = createVisitor(curfew.origin);
  await signIn(visitor, person);
  return `curfew=${visitor.sessionCookie()}`;
}
