import * as oauth from 'oauth4webapi';
import type { BrokerProblem } from '../broker-adapter.ts';

const KNOWN_ERRORS: ReadonlySet<string> = new Set([
  'access_denied',
  'invalid_client',
  'invalid_grant',
  'invalid_request',
  'invalid_scope',
  'server_error',
  'temporarily_unavailable',
  'unauthorized_client',
  'unsupported_grant_type',
  'unsupported_response_type',
  'unsupported_token_type',
]);
const PASSING_ERRORS: ReadonlySet<string> = new Set(['server_error', 'temporarily_unavailable']);

/** Codes for answers outside the protocol: an error page of a proxy, a cut-off answer. They may pass. */
const GARBLED_CODES: ReadonlySet<string> = new Set([
  oauth.PARSE_ERROR,
  oauth.RESPONSE_IS_NOT_JSON,
  oauth.RESPONSE_IS_NOT_CONFORM,
]);

/**
 * Says what went wrong in a fixed word. oauth4webapi's errors carry whole answers, tokens included, and a callback's
 * `error` is text from a stranger: neither leaves this place. Rethrows what is no outcome but a mistake of ours.
 */
export function classifyOAuthError(error: unknown): BrokerProblem {
  if (error instanceof oauth.AuthorizationResponseError) return fromWord(error.error);
  if (error instanceof oauth.ResponseBodyError)
    return error.status >= 500 ? { kind: 'unreachable', why: 'server_error' } : fromWord(error.error);
  if (error instanceof oauth.WWWAuthenticateChallengeError)
    return { kind: 'refused', why: 'unauthorized_client' };
  if (error instanceof oauth.UnsupportedOperationError)
    return { kind: 'refused', why: 'unsupported_response' };
  if (error instanceof oauth.OperationProcessingError)
    return GARBLED_CODES.has(error.code ?? '')
      ? { kind: 'unreachable', why: 'garbled_response' }
      : { kind: 'refused', why: 'invalid_response' };
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return { kind: 'unreachable', why: 'timeout' };
  if (error instanceof TypeError && error.message === 'fetch failed')
    return { kind: 'unreachable', why: 'network' };
  throw error;
}

function fromWord(word: string): BrokerProblem {
  const why = KNOWN_ERRORS.has(word) ? word : 'other_error';
  return { kind: PASSING_ERRORS.has(word) ? 'unreachable' : 'refused', why };
}
