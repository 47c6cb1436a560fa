import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMutant, type Patch } from '../faults/support/mutant.ts';
import type { Doubles } from './house.ts';
import { plansOf, runInterleaving, type Steps } from './interleaving.ts';
import { loadParts, type Parts } from './parts.ts';

interface Mutation extends Patch, Steps {
  readonly found: RegExp;
}

/** A line of the server that is missing or wrong, what the checker is to say of it, and for the rare ones what to do. */
const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'no second judgement behind the body': {
    file: 'sessions/session-expiry.ts',
    from: '!(await stillCounts(session))',
    to: 'false',
    found: /came in after its end was reported, and was carried out/,
  },
  'no actor for what a request writes': {
    file: 'sessions/session-expiry.ts',
    from: 'acting.run(actors.of(session), next);',
    to: 'next();',
    found: /took effect after its end was reported/,
  },
  'an unconditional write outside a transaction': {
    file: 'storage/guarded-dialect.ts',
    from: '      await actor.confirm(this.#run);\n      return this.bare',
    to: '      return this.bare',
    found: /took effect after its end was reported/,
  },
  'unconditional writes inside a transaction': {
    file: 'storage/guarded-dialect.ts',
    from: '      await this.#confirm(actor);\n',
    to: '',
    found: /took effect after its end was reported/,
  },
  'an act that no revocation waits for': {
    file: 'storage/act-locks.ts',
    from: `if (sharedBy !== undefined) locks`,
    to: `if (alone === undefined && sharedBy !== undefined) return [];\n  if (sharedBy !== undefined) locks`,
    acts: ['an import of the laptop'],
    ends: ['end of the account'],
    found: /took effect after its end was reported/,
  },
  'the role is not asked for in the transaction': {
    file: 'sessions/role-gate.ts',
    from: 'if (actor !== undefined) actor.needsAdmin = true;',
    to: 'void actor;',
    found: /no administrator any more/,
  },
  'revocations that were stored are not asked for': {
    file: 'core/standing.ts',
    from: 'isInScope(scope, session) &&',
    to: 'false && isInScope(scope, session) &&',
    found: /took effect after its end was reported/,
  },
  'the epoch of a signal is read after its last check': {
    file: 'strategies/signal-intake.ts',
    from: `    const epoch = await epochs.current(strategy.userId);
    const judged = await judge.judge(found, delivery.body, arrival.receivedAt);
    if ('why' in judged) return refuse(arrival, judged);
`,
    to: `    const judged = await judge.judge(found, delivery.body, arrival.receivedAt);
    if ('why' in judged) return refuse(arrival, judged);
    const epoch = await epochs.current(strategy.userId);
`,
    acts: ['a webhook'],
    ends: ['end of the account'],
    found: /a signal of a webhook took effect after its end was reported/,
  },
  'a session that is saved without a look whether it is there': {
    file: 'sessions/database/database-session-store.ts',
    from: '? await this.#rows.update(sid, session)',
    to: '? (await this.#rows.update(sid, session)) || (await this.#rows.insert(sid, session))',
    found: /can be used after its end was reported/,
  },
  'a sign-in that asks for its epoch once': {
    file: 'sessions/lifecycle.ts',
    from: '(await epochs.current(userId)) !== epoch ||',
    to: '',
    acts: ['a sign-in'],
    ends: ['end of the account'],
    found: /can be used after its end was reported/,
  },
  'a sign-in that does not ask whether all was swept meanwhile': {
    file: 'sessions/lifecycle.ts',
    from: '(await revocations.isSwept(loginTime))',
    to: 'false',
    acts: ['a sign-in'],
    ends: ['end of everything, as after a restore'],
    found: /can be used after its end was reported/,
  },
  'a step that failed and is called done': {
    file: 'revocation/revoker.ts',
    from: "status: 'queued', count: 0",
    to: "status: 'done', count: 0",
    acts: ['a page of the laptop that writes to its session'],
    ends: ['end of the account', 'outage of the session store, and replay'],
    found: /can be used after its end was reported/,
  },
  'an end of the account that leaves the last token': {
    file: 'broker/token-revocation.ts',
    from: 'epoch: scope.throughEpoch,',
    to: 'epoch: scope.throughEpoch - 1,',
    found: /the token of .* outlives its end/,
  },
  'no replay after an outage': {
    file: 'revocation/replay.ts',
    from: 'await Promise.all(batch.filter(isOfThePast).map((revocation) => sessionTarget.revoke(revocation)));',
    to: 'void isOfThePast; void sessionTarget;',
    acts: ['a page of the laptop that writes to its session'],
    ends: ['end of the account', 'outage of the session store, and replay'],
    found: /can be used after its end was reported/,
  },
  'an end of the account that takes what began afterwards': {
    file: 'sessions/session-target.ts',
    from: 'registry.endThroughEpoch(scope.userId, scope.throughEpoch, reason)',
    to: 'registry.endThroughEpoch(scope.userId, scope.throughEpoch + 1, reason)',
    acts: ['a sign-in'],
    ends: ['end of the account'],
    found: /was ended by nothing that names it/,
  },
};

const MOST_RUNS = 5000;

/** The violations of the first interleaving that has some. */
async function firstViolations(parts: Parts, steps: Steps, doubles?: Doubles): Promise<readonly string[]> {
  let found: readonly string[] = [];
  const property = fc.asyncProperty(plansOf(steps), fc.scheduler(), async (plan, scheduler) => {
    found = await runInterleaving(parts, plan, scheduler, doubles);
    return found.length === 0;
  });
  await fc.check(property, { numRuns: MOST_RUNS, seed: 1, endOnFailure: true });
  return found;
}

test.each(Object.entries(MUTATIONS))(
  'the checker finds %s',
  async (_name, { found, acts, ends, ...patch }) => {
    const mutant = createMutant([patch]);
    try {
      const parts = await loadParts(join(mutant.folder, 'src'));
      expect(await firstViolations(parts, { acts, ends })).toContainEqual(expect.stringMatching(found));
    } finally {
      mutant.remove();
    }
  },
  180_000,
);

test.each<[string, Doubles, Steps, string]>([
  [
    'a rotation that writes over what was wiped meanwhile',
    { rotatesBlindly: true },
    {},
    'the ciphertext of an ended token is back',
  ],
  [
    'a role that is taken without waiting for the acts of its user',
    { takesRoleAtOnce: true },
    { acts: ["an administrator's form"], ends: ['the administrator becomes a user'] },
    "a form of the administrator's desk took effect, who was no administrator any more",
  ],
])(
  'the checker finds %s',
  async (_name, doubles, steps, sentence) => {
    expect(await firstViolations(await loadParts(), steps, doubles)).toContain(sentence);
  },
  180_000,
);
