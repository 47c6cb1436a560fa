import type { z } from 'zod';
import type { Endpoint } from './endpoint.ts';
import { describeInput, describeOutputs, type JsonSchema } from './json-schema.ts';
import {
  type DocumentedError,
  ERROR_SCHEMA,
  errorResponses,
  HEADERS,
  referToErrors,
  referToHeaders,
} from './openapi-errors.ts';

/** The parts of OpenAPI 3.1 that ours is made of; the page at /api reads them. */
export interface OpenApiDocument {
  readonly openapi: '3.1.1';
  readonly info: Readonly<Record<string, unknown>>;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Partial<Record<'get' | 'post', OpenApiOperation>>>>;
  readonly components: {
    readonly securitySchemes: Readonly<Record<string, object>>;
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly headers: Readonly<Record<string, object>>;
    readonly responses: Readonly<Record<string, object>>;
  };
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  /** One of them is enough; none: no key is needed. */
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly OpenApiParameter[];
  readonly requestBody?: { readonly required: true; readonly content: Readonly<Record<string, MediaType>> };
  readonly responses: Readonly<Record<string, object>> & {
    readonly 200: {
      readonly description: string;
      readonly headers?: object;
      readonly content: { readonly 'application/json': MediaType };
    };
  };
}

export interface OpenApiParameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

interface MediaType {
  readonly schema: JsonSchema;
  readonly example: unknown;
}

/** Any endpoint that takes a key may give these. */
const COMMON_ERRORS: readonly DocumentedError[] = [
  'invalid',
  'bad_api_key',
  'forbidden',
  'rate_limited',
  'unavailable',
];

export interface OpenApiDocumentDeps {
  readonly endpoints: readonly Endpoint[];
  /** The operation that platforms call, without a key. */
  readonly webhook: OpenApiOperation;
  /** BASE_URL. */
  readonly publicOrigin: string;
}

/** The OpenAPI 3.1 document, made of the same schemas that requests and answers are checked with. */
export function createOpenApiDocument(deps: OpenApiDocumentDeps): OpenApiDocument {
  const { endpoints, webhook, publicOrigin } = deps;
  return {
    openapi: '3.1.1',
    info: {
      title: 'Curfew',
      version: '1',
      summary: 'What a trading program asks of the server that its owner signs in to',
      description:
        'Three things end apart: the browser session, the API key, the broker’s token. Each has its own error, so that a program knows what to tell whom.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: `${publicOrigin}/api/v1` }],
    paths: {
      ...Object.fromEntries(
        endpoints.map((endpoint) => [pathOf(endpoint), { [endpoint.method]: describe(endpoint) }]),
      ),
      '/webhooks/{webhookId}': { post: webhook },
    },
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'Authorization: Bearer cfw_…' },
        header: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
      schemas: {
        ...describeOutputs(Object.fromEntries(endpoints.map(({ dataName, data }) => [dataName, data]))),
        Error: ERROR_SCHEMA,
      },
      headers: HEADERS,
      responses: errorResponses(),
    },
  };
}

/** OpenAPI writes `{broker}` where Express writes `:broker`. */
const pathOf = ({ path }: Endpoint): string => path.replaceAll(/:([A-Za-z]+)/g, '{$1}');

function describe(endpoint: Endpoint): OpenApiOperation {
  const { operationId, summary, description, scope, etag, dataName, example, errors } = endpoint;
  return {
    operationId,
    summary,
    description,
    security: [{ bearer: [scope] }, { header: [scope] }],
    parameters: [...parametersIn('path', endpoint.params), ...parametersIn('query', endpoint.query)],
    ...requestBodyOf(endpoint),
    responses: {
      200: {
        description: summary,
        headers: referToHeaders(['RateLimit', 'RateLimit-Policy', ...(etag ? ['ETag'] : [])]),
        content: {
          'application/json': {
            schema: successSchema(dataName),
            example: { status: 'success', data: example },
          },
        },
      },
      ...(etag ? { 304: { description: 'As the client has it already (If-None-Match)' } } : {}),
      ...referToErrors([...COMMON_ERRORS, ...errors]),
    },
  };
}

function requestBodyOf({ body, bodyExample }: Endpoint): Pick<OpenApiOperation, 'requestBody'> {
  if (body === undefined) return {};
  const content = { 'application/json': { schema: describeInput(body), example: bodyExample } };
  return { requestBody: { required: true, content } };
}

function parametersIn(where: 'path' | 'query', schema: z.ZodObject): readonly OpenApiParameter[] {
  const { properties = {}, required = [] } = describeInput(schema);
  return Object.entries(properties).flatMap(([name, property]) => {
    if (typeof property === 'boolean') return [];
    const { description, ...rest } = property;
    const shown = description === undefined ? {} : { description };
    return [{ name, in: where, required: required.includes(name), ...shown, schema: rest }];
  });
}

const successSchema = (dataName: string): JsonSchema => ({
  type: 'object',
  required: ['status', 'data'],
  properties: { status: { const: 'success' }, data: { $ref: `#/components/schemas/${dataName}` } },
});
