import { z } from 'zod';
import type { AuditOrigin } from '../core/audit-event.ts';
import { invalid } from '../errors.ts';
import type { StoredKey } from './api-key.ts';
import type { ApiScope } from './api-scope.ts';
import { describeInputProblem } from './input-problem.ts';
import type { DocumentedError } from './openapi-errors.ts';

/** A request that was let in, read. */
export interface Call<P, Q, B = unknown> {
  /** The key that it came with, and so whose request it is. */
  readonly caller: StoredKey;
  readonly origin: AuditOrigin;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Whether an answer is wanted at all: HEAD asks for its headers only. */
  readonly isHead: boolean;
  /** The client has gone, or the server is about to. */
  readonly abort: AbortSignal;
}

/** An endpoint, in one place: the router, the checks in and out, the document and the page are made of it. */
interface EndpointFacts {
  readonly method: 'get' | 'post';
  /** Below `/api/v1`, as Express writes it. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly scope: ApiScope;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  /** Of a POST, as JSON. */
  readonly body?: z.ZodObject;
  /** Schema of `data` in the answer. Fields that it does not name never leave the server. */
  readonly data: z.ZodObject;
  /** Name of the schema of `data` in the document. */
  readonly dataName: string;
  readonly example: unknown;
  readonly bodyExample?: unknown;
  /** Besides those that every endpoint has. */
  readonly errors: readonly DocumentedError[];
  /** Whether an answer that the client has already need not be sent again. */
  readonly etag: boolean;
  /** Whether answering may take seconds on purpose: then the key is looked at again before anything is told. */
  readonly waits: boolean;
}

export interface EndpointSpec<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  D extends z.ZodObject,
  B extends z.ZodObject,
> extends EndpointFacts {
  readonly params: P;
  readonly query: Q;
  readonly body?: B;
  readonly data: D;
  readonly example: z.input<D>;
  readonly bodyExample?: z.input<B>;
  readonly answer: (call: Call<z.output<P>, z.output<Q>, z.output<B>>) => Promise<z.input<D>>;
  /** The answer has left the server. */
  readonly onSent?: (caller: StoredKey, data: z.output<D>) => void;
}

export interface Endpoint extends EndpointFacts {
  /** Reads the input, works, and checks the output. Throws `invalid` with a message for each input that is wrong. */
  readonly answer: (call: Call<unknown, unknown>) => Promise<unknown>;
  /** To be called with what `answer` gave when it has left the server. */
  readonly onSent?: (caller: StoredKey, data: unknown) => void;
}

const NO_BODY = z.object({});

/** An endpoint of any shape as one of the same shape as all others. */
export function defineEndpoint<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  D extends z.ZodObject,
  B extends z.ZodObject,
>(spec: EndpointSpec<P, Q, D, B>): Endpoint {
  const { onSent, ...facts } = spec;
  return {
    ...facts,
    ...(onSent && { onSent: (caller, data) => onSent(caller, data as z.output<D>) }),
    async answer(call) {
      const params = readInput(spec.params, call.params);
      const query = readInput(spec.query, call.query);
      const body = readInput(spec.body ?? (NO_BODY as unknown as B), call.body ?? {});
      return spec.data.parse(await spec.answer({ ...call, params, query, body }));
    },
  };
}

/** A line of text in an input. Databases do not take every control character, and no name has one. */
export const line = (longest: number): z.ZodString =>
  z
    .string()
    .max(longest)
    .refine((text) => !/\p{Cc}/u.test(text), 'must have no control characters');

/** An instant in an answer: ISO 8601 with the market's offset, as `toIstIso` writes it. */
export const instant = z.iso.datetime({ offset: true }).meta({ examples: ['2026-11-23T10:00:00.000+05:30'] });

function readInput<S extends z.ZodObject>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap(describeInputProblem);
  // The first message of each.
  throw invalid(Object.fromEntries(problems.reverse()));
}
