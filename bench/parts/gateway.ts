import { writeFileSync } from 'node:fs';
import { alternate, type Comparison } from '../comparison.ts';
import { LOAD_METRICS, measureLoad, type Target, warmUp } from '../measure-load.ts';
import { makePeople } from '../people.ts';
import { startCurfew } from '../server.ts';
import type { Workshop } from '../workshop.ts';
import { brokerPage } from './guarded-page.ts';

const RULES = 'rules:\n  - { name: Tool, host: tool.example.com, who: signed-in }\n';
/** A proxy's question about a request of a signed-in user, against a guarded page of the same server. */
export async function compareGateway(workshop: Workshop): Promise<readonly Comparison[]> {
  const file = workshop.newDatabaseFile();
  await makePeople(file, 1);
  const rules = `${file}.gateway.yaml`;
  writeFileSync(rules, RULES);
  const curfew = await startCurfew(workshop.placement.server, {
    DATABASE_URL: `sqlite:${file}`,
    REDIS_URL: await workshop.newRedisDatabase(),
    GATEWAY_RULES: rules,
    GATEWAY_RATE_LIMIT: '9999999/minute',
    TRUST_PROXY: '127.0.0.1',
  });
  workshop.atEnd(() => curfew.stop());

  const page = await brokerPage(curfew);
  const question: Target = {
    ...page,
    path: '/authz/nginx',
    headers: { 'X-Original-URL': 'http://tool.example.com/app/orders?id=7', 'X-Original-Method': 'GET' },
    mustContain: [],
  };
  const targets = { 'guarded page': page, '/authz/nginx': question };
  for (const target of Object.values(targets)) await warmUp(workshop, target);
  const measures = Object.entries(targets).map(
    ([name, target]) => [name, () => measureLoad(workshop, target)] as const,
  );
  const subjects = await alternate(Object.fromEntries(measures), workshop.options.rounds);
  const title =
    'Gateway: a proxy asks about a request of a signed-in user; Redis for sessions, SQLite for data';
  return [{ title, metrics: LOAD_METRICS, subjects }];
}
