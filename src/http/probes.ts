import { Router } from 'express';
import { methods } from './methods.ts';
import { policyOf, type RoutePolicy } from './route-policy.ts';

/** One part that must answer before this node should get traffic. */
export interface ReadinessCheck {
  readonly name: string;
  /** Rejects, with words for the operator, when the part is not ready. */
  check(): Promise<void>;
}

const TIMEOUT_MS = 1500;

/** Routes without a session: for monitoring and for browsers. */
export const OPEN_ROUTES: readonly RoutePolicy[] = [
  { path: '/healthz', class: 'probe' },
  { path: '/readyz', class: 'probe' },
  { path: '/metrics', class: 'probe' },
  { path: '/assets', below: true, class: 'static' },
];

/** /healthz: the process answers. /readyz: everything that it needs does, too. */
export function createProbes(checks: readonly ReadinessCheck[]): Router {
  const router = Router({ caseSensitive: true });
  // Under the host of a tool these are paths of the tool.
  router.use((req, _res, next) => next(policyOf(req).relayedAs === undefined ? undefined : 'router'));
  methods(router, '/healthz', { get: (_req, res) => void res.json({ status: 'ok' }) });
  methods(router, '/readyz', {
    get: async (_req, res) => {
      const outcomes = await Promise.all(
        checks.map(async ({ name, check }) => [name, await outcomeOf(check)] as const),
      );
      const ready = outcomes.every(([, outcome]) => outcome === 'ok');
      res
        .status(ready ? 200 : 503)
        .set('Cache-Control', 'no-store')
        .json({ status: ready ? 'ready' : 'not_ready', checks: Object.fromEntries(outcomes) });
    },
  });
  return router;
}

/** Says no more than which part: why is in the log, and this page is for anyone. */
export async function outcomeOf(check: ReadinessCheck['check']): Promise<'ok' | 'failing'> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('timed out')), TIMEOUT_MS);
  });
  try {
    await Promise.race([check(), timeout]);
    return 'ok';
  } catch {
    return 'failing';
  } finally {
    clearTimeout(timer);
  }
}
