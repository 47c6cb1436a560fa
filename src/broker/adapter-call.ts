import { SECOND_MS } from '../core/duration.ts';
import type { Log } from '../core/log.ts';
import type { AppCredentials, BrokerAdapter, BrokerProblem } from './broker-adapter.ts';
import type { Credentials } from './credentials.ts';

/** Above what an adapter takes with time-outs of its own. */
const CALL_TIMEOUT_MS = 15 * SECOND_MS;

export interface AdapterCallDeps {
  /** Looked up at the time: what a person has registered meanwhile counts. */
  readonly credentials: Pick<Credentials, 'of'>;
  readonly log: Log;
  /** How long an adapter may take. */
  readonly callTimeoutMs?: number;
}

/** Calls an adapter for a user, with their app keys; a failure of the adapter itself is `unreachable`. */
export type CallAdapter = <T>(
  adapter: BrokerAdapter,
  userId: string,
  call: (credentials: AppCredentials) => Promise<T>,
) => Promise<T | BrokerProblem | { readonly kind: 'credentials_missing' }>;

export function createAdapterCall(deps: AdapterCallDeps): CallAdapter {
  const { credentials, log, callTimeoutMs = CALL_TIMEOUT_MS } = deps;

  return async function callAdapter(adapter, userId, call) {
    const appCredentials = await credentials.of(userId, adapter);
    if (appCredentials === undefined) return { kind: 'credentials_missing' };
    try {
      return (await within(callTimeoutMs, call(appCredentials))) ?? { kind: 'unreachable', why: 'timeout' };
    } catch (error) {
      // Only its name: what an HTTP client throws may hold the token.
      const name = error instanceof Error ? error.name : typeof error;
      log.error({ broker: adapter.id, error: name }, 'A broker adapter failed');
      return { kind: 'unreachable', why: 'error' };
    }
  };
}

/** The value of the promise, or undefined when it takes longer. A later result is ignored. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  promise.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
