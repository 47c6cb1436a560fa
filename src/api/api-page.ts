import type { RequestHandler } from 'express';
import { renderPage } from '../http/page.ts';
import { API_SCOPES, SCOPE_WORDS } from './api-scope.ts';
import { describeFields, describeType } from './json-schema-labels.ts';
import type { OpenApiDocument, OpenApiOperation, OpenApiParameter } from './openapi-document.ts';
import { listErrors } from './openapi-errors.ts';

/** The document for people: made once of the very document that programs read, without a script or another site's page. */
export function createApiPage(document: OpenApiDocument): RequestHandler {
  const root = document.servers[0]?.url ?? '';
  const view = {
    title: 'API',
    scopes: API_SCOPES.map((scope) => ({ scope, words: SCOPE_WORDS[scope] })),
    operations: Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) =>
        describeOperation(document, { root, path, method: method.toUpperCase() }, operation),
      ),
    ),
    errors: listErrors(),
  };
  return function showApi(req, res) {
    renderPage(req, res, 'api/index', view);
  };
}

interface Place {
  readonly root: string;
  readonly path: string;
  readonly method: string;
}

function describeOperation(document: OpenApiDocument, place: Place, operation: OpenApiOperation) {
  const { operationId, summary, description, security, parameters, requestBody } = operation;
  const { schemas } = document.components;
  const answer = operation.responses[200].content['application/json'];
  const body = requestBody?.content['application/json'];
  return {
    id: operationId,
    method: place.method,
    path: `/api/v1${place.path}`,
    summary,
    description,
    scope: security[0]?.['bearer']?.[0],
    parameters: parameters.map((parameter) => ({
      name: parameter.name,
      place: PLACES[parameter.in],
      required: parameter.required,
      type: describeType(parameter.schema),
      description: parameter.description ?? '',
    })),
    bodyFields: body === undefined ? [] : describeFields(body.schema, schemas),
    curl: curlFor(place, operation),
    fields: describeFields(answer.schema, schemas),
    example: JSON.stringify(answer.example, undefined, 2),
  };
}

const PLACES = { path: 'in the path', query: 'in the query', header: 'in a header' } as const;

function curlFor({ root, path }: Place, { security, parameters, requestBody }: OpenApiOperation): string {
  const address = `  '${root}${fillIn(path, parameters)}'`;
  const body = requestBody?.content['application/json']?.example;
  const lines = [
    ...(security.length > 0 ? ['curl -H "Authorization: Bearer $CURFEW_KEY"'] : ['curl']),
    ...(body === undefined ? [] : [`  --json '${JSON.stringify(body)}'`]),
    address,
  ];
  return lines.join(' \\\n');
}

function fillIn(path: string, parameters: readonly OpenApiParameter[]): string {
  return path.replaceAll(/\{(\w+)\}/g, (_braces, name: string) => {
    const [example] = parameters.find((parameter) => parameter.name === name)?.schema.examples ?? [];
    return encodeURIComponent(String(example ?? name));
  });
}
