import { writeFileSync } from 'node:fs';
import type { Comparison } from '../comparison.ts';
import { LOAD_METRICS, type Target } from '../measure-load.ts';
import { makePeople } from '../people.ts';
import { startCurfew } from '../server.ts';
import type { Workshop } from '../workshop.ts';
import { brokerPage, loadByTurns } from './guarded-page.ts';

const RULES = 'rules:\n  - { name: Tool, host: tool.example.com, who: signed-in }\n';
/** A proxy's question about a request of a signed-in user, against a guarded page of the same server. */
export async function compareGateway(workshop: Workshop): Promise<readonly Comparison[]> {
  const file = workshop.newDatabaseFile();
  await makePeople(`sqlite:${file}`, 1);
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
  const subjects = await loadByTurns(workshop, targets);
  const title =
    'Gateway: a proxy asks about a request of a signed-in user; Redis for sessions, SQLite for data';
  return [{ title, metrics: LOAD_METRICS, subjects }];
}
