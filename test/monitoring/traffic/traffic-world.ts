import { type BannedWorld, createBannedWorld } from '../../bans/banned-world.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../../support/visitor.ts';

export const OTHER = {
  username: 'ravi',
  password: 'long-quiet-evening-77',
  email: 'ravi@example.org',
} as const;

/** Nodes behind a proxy on this machine, with an administrator and somebody who is none, both signed in at the first. */
export interface TrafficWorld extends BannedWorld {
  readonly admin: Visitor;
  readonly person: Visitor;
  /** Has every node write what it has seen. */
  flush(): Promise<void>;
  rows(): Promise<readonly TrafficRow[]>;
}

export type TrafficRow = Awaited<ReturnType<typeof readRows>>[number];

export async function createTrafficWorld(
  nodeCount: number,
  env: Readonly<Record<string, string>>,
): Promise<TrafficWorld> {
  const world = await createBannedWorld(nodeCount, env);
  const admin = createVisitor(world.first.origin);
  await setUp(admin);
  await signIn(admin);
  await world.first.services.accounts.userAdmin.create({ ...OTHER, role: 'user' }, { actor: 'test' });
  const person = createVisitor(world.first.origin);
  await signIn(person, OTHER);
  const flush = async () =>
    void (await Promise.all(world.nodes.map(({ services }) => services.traffic.trafficLog.flush())));
  return { ...world, admin, person, flush, rows: () => flush().then(() => readRows(world)) };
}

function readRows({ first }: BannedWorld) {
  return first.infrastructure.database.db.selectFrom('traffic_log').selectAll().orderBy('id').execute();
}
