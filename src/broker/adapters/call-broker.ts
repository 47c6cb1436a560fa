import { SECOND_MS } from '../../core/duration.ts';
import type { BrokerProblem } from '../broker-adapter.ts';

const TIMEOUT_MS = 5 * SECOND_MS;
const LONGEST_BODY_BYTES = 65_536;

/** A broker's answer in JSON; below 500, so a yes or a no. */
export interface BrokerAnswer {
  readonly kind: 'answer';
  readonly status: number;
  readonly body: unknown;
}

export interface BrokerCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: URLSearchParams | string;
  /** An answer that is no JSON counts as well, with `undefined` for its body: for a caller whom the status tells enough. */
  readonly takesAnyBody?: true;
}

export const INVALID_CREDENTIALS: BrokerProblem = { kind: 'refused', why: 'invalid_credentials' };
export const INVALID_CALLBACK: BrokerProblem = { kind: 'refused', why: 'invalid_response' };
export const GARBLED: BrokerProblem = { kind: 'unreachable', why: 'garbled_response' };

/**
 * One request to a broker: five seconds for everything, 64 KiB of JSON at most, no redirect followed, since it would
 * carry secrets to another address. Each failure comes back as a fixed word: the errors of
 * `fetch` and of JSON.parse repeat addresses, headers and bodies, and those hold tokens.
 */
export async function callBroker(url: URL, call: BrokerCall): Promise<BrokerAnswer | BrokerProblem> {
  try {
    const response = await fetch(url, {
      method: call.method,
      headers: { accept: 'application/json', ...call.headers },
      body: call.body ?? null,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const answer = await toAnswer(response);
    return answer.kind === 'answer' && answer.body === undefined && !call.takesAnyBody ? GARBLED : answer;
  } catch (error) {
    const timedOut = error instanceof DOMException && error.name === 'TimeoutError';
    return { kind: 'unreachable', why: timedOut ? 'timeout' : 'network' };
  }
}

async function toAnswer(response: Response): Promise<BrokerAnswer | BrokerProblem> {
  const { status } = response;
  const passing = whyPassing(status);
  if (passing !== undefined) {
    await response.body?.cancel();
    return { kind: 'unreachable', why: passing };
  }
  return { kind: 'answer', status, body: parseJson(await readText(response)) };
}

function whyPassing(status: number): string | undefined {
  if (status >= 500) return 'server_error';
  if (status === 429) return 'rate_limited';
  return status >= 300 && status < 400 ? 'redirected' : undefined;
}

/** Undefined where it is too long: the rest is not even read. */
async function readText({ body }: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > LONGEST_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
