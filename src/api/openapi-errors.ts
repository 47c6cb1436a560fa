import { AppError, type ErrorCode } from '../errors.ts';
import type { JsonSchema } from './json-schema.ts';

/** Meaning of each error, for authors of programs; the message in an answer is about the case at hand. */
const ERROR_WORDS = {
  invalid: 'An input is wrong, or the key is in the address. fields has a message for each.',
  bad_api_key: 'There is no key, or not a good one: unknown, revoked, expired, or its owner was disabled.',
  forbidden: 'The key lacks the scope, or may not be used from this address.',
  not_found: 'There is no such thing.',
  ambiguous:
    'The name means several instruments. choices has them: ask again with one of their tokens, or with a broker.',
  broker_reauth_required:
    'The broker is not connected today: its owner signs in and connects it. The key is good, and works then.',
  signal_refused: 'The strategy did not take the signal. reason says why.',
  too_large: 'The body is larger than this address takes.',
  rate_limited: 'Too many requests. Retry-After says in seconds when to try again.',
  unavailable: 'A part of the server does not answer. Retry-After says when to try again; nothing was lost.',
} as const satisfies Partial<Record<ErrorCode, string>>;

export type DocumentedError = keyof typeof ERROR_WORDS;

const CODES = Object.keys(ERROR_WORDS) as readonly DocumentedError[];

const HEADERS_OF: Partial<Record<DocumentedError, readonly string[]>> = {
  bad_api_key: ['WWW-Authenticate'],
  rate_limited: ['Retry-After'],
  unavailable: ['Retry-After'],
};

/** Every error with its status, for the page. */
export const listErrors = () =>
  CODES.map((code) => ({ code, status: statusOf(code), words: ERROR_WORDS[code] }));

/** `components.responses`: one for each error. */
export const errorResponses = (): Readonly<Record<string, object>> =>
  Object.fromEntries(CODES.map((code) => [code, describe([code])]));

/** The `responses` of an operation that may give these errors. Two that share a status share a description. */
export function referToErrors(codes: readonly DocumentedError[]): Readonly<Record<string, object>> {
  const byStatus = Map.groupBy(codes, statusOf);
  return Object.fromEntries(
    [...byStatus].map(([status, [first, ...others]]) => [
      status,
      others.length === 0
        ? { $ref: `#/components/responses/${first}` }
        : describe(byStatus.get(status) ?? []),
    ]),
  );
}

function describe(codes: readonly DocumentedError[]): object {
  return {
    description: codes.map((code) => ERROR_WORDS[code]).join(' Or: '),
    headers: referToHeaders(codes.flatMap((code) => HEADERS_OF[code] ?? [])),
    content: {
      'application/json': {
        schema: {
          allOf: [{ $ref: '#/components/schemas/Error' }, { properties: { error: { enum: codes } } }],
        },
      },
    },
  };
}

const statusOf = (code: DocumentedError): number => new AppError(code, '').status;

export const ERROR_SCHEMA: JsonSchema = {
  type: 'object',
  required: ['status', 'error', 'message'],
  properties: {
    status: { const: 'error' },
    error: { type: 'string', description: 'A fixed word, for programs' },
    message: { type: 'string', description: 'A sentence, for people' },
    fields: {
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'What is wrong with which input',
    },
    reason: { type: 'string', description: 'Why a signal was not taken: a fixed word' },
    choices: { type: 'array', description: 'What an ambiguous name may mean' },
  },
};

const text = (description: string): object => ({ description, schema: { type: 'string' } });

/** `components.headers`. */
export const HEADERS: Readonly<Record<string, object>> = {
  RateLimit: text('What is left of each limit, and in how many seconds all of it is there again'),
  'RateLimit-Policy': text('The limits of this key: how many requests in how many seconds'),
  'Retry-After': text('Seconds until it is worth trying again'),
  'WWW-Authenticate': text('RFC 6750'),
  ETag: text('Names this very answer: send it as If-None-Match'),
};

export const referToHeaders = (names: readonly string[]): Readonly<Record<string, object>> =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
