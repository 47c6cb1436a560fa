import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importKnownSymbols } from '../strategies/known-symbols.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { type ApiAnswer, type ApiClient, createApiClient, makeKey } from './api-client.ts';

interface Operation {
  readonly operationId: string;
  readonly security: readonly unknown[];
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly example?: unknown }>> }>
  >;
}

interface Document {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

describe('the OpenAPI document', () => {
  let server: TestServer;
  let owner: Visitor;
  let anybody: ApiClient;
  let client: ApiClient;
  let text: string;
  let document: Document;
  let ajv: Ajv2020;

  beforeAll(async () => {
    server = await startTestServer({ env: { API_RATE_LIMIT: '1000/minute' } });
    owner = createVisitor(server.origin);
    await setUp(owner);
    await signIn(owner);
    anybody = createApiClient(server.origin, undefined);
    client = createApiClient(server.origin, (await makeKey(owner)).key);
    ({ text } = await anybody.ask('/api/v1/openapi.json'));
    document = JSON.parse(text);
    ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
    ajv.addSchema(document, 'document');
  });
  afterAll(() => server.close());

  const operations = () =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );

  function schemaOf(path: string, method: string, status: number): ValidateFunction {
    const response = ['paths', path, method, 'responses', String(status)].map(escapePointer).join('/');
    const found = ajv.getSchema(`document#/${response}/content/application~1json/schema`);
    if (found !== undefined) return found;
    // A reference to a response that several share.
    const shared = document.paths[path]?.[method]?.responses[status] as
      | { readonly $ref?: string }
      | undefined;
    const schema = ajv.getSchema(`document${shared?.$ref}/content/application~1json/schema`);
    if (schema === undefined) throw new Error(`${method} ${path} does not say what ${status} looks like`);
    return schema;
  }

  function expectToFit(schema: ValidateFunction, value: unknown): void {
    schema(value);
    expect(schema.errors ?? []).toEqual([]);
  }

  test('is valid OpenAPI 3.1, is for anyone, and names this server', async () => {
    const { valid, errors } = await new Validator().validate(JSON.parse(text));
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(document.servers).toEqual([{ url: `${server.origin}/api/v1` }]);
  });

  test('a validator would notice a mistake in it', async () => {
    const broken = {
      ...structuredClone(document),
      paths: { '/x': { get: { parameters: [{ name: 'x' }] } } },
    };
    expect((await new Validator().validate(JSON.parse(JSON.stringify(broken)))).valid).toBe(false);
  });

  test('names what the contract names', () => {
    expect(operations().map(({ path, method }) => `${method} ${path}`)).toEqual([
      'get /session',
      'get /broker/{broker}/token',
      'post /broker/{broker}/rejection',
      'get /symbols',
      'get /symbols/{exchange}/{symbol}',
      'get /strategies',
      'get /signals',
      'post /webhooks/{webhookId}',
    ]);
  });

  test('each operation is there, wants a key where it says so, and has an example that fits', async () => {
    for (const { path, method, operation } of operations()) {
      const address = `/api/v1${path.replaceAll(/\{\w+\}/g, 'x')}`;
      const answer = await anybody.ask(address, { method });
      expect([path, answer.status]).toEqual([path, operation.security.length > 0 ? 401 : 404]);
      expectToFit(schemaOf(path, method, answer.status), answer.body);
      const { content = {} } = operation.responses['200'] ?? {};
      expectToFit(schemaOf(path, method, 200), content['application/json']?.example);
    }
  });

  test('real answers and real errors look as it says', async () => {
    const fits = async (path: string, asked: string, status: number, by = client): Promise<ApiAnswer> => {
      const answer = await by.ask(`/api/v1${asked}`);
      expect([asked, answer.status]).toEqual([asked, status]);
      expectToFit(schemaOf(path, 'get', status), answer.body);
      return answer;
    };
    const narrow = createApiClient(server.origin, (await makeKey(owner, { scopes: ['session:read'] })).key);

    await fits('/broker/{broker}/token', '/broker/sandbox/token', 409);
    await connectSandbox(owner);
    await fits('/broker/{broker}/token', '/broker/sandbox/token', 200);
    await fits('/broker/{broker}/token', '/broker/nosuch/token', 404);
    await fits('/session', '/session', 200);
    await fits('/session', '/session?x=1', 400);
    await fits('/strategies', '/strategies', 200);
    await fits('/strategies', '/strategies', 403, narrow);
    await fits('/signals', '/signals', 200);
    await fits('/signals', '/signals?limit=0', 400);
    await fits('/symbols', '/symbols?q=infy', 200);
    await fits('/symbols/{exchange}/{symbol}', '/symbols/NSE/NOSUCH', 404);
    await importKnownSymbols(server.services);
    await fits('/symbols/{exchange}/{symbol}', '/symbols/NSE/infy', 200);
    await fits('/symbols/{exchange}/{symbol}', '/symbols/NSE/14224', 200);
    const several = await fits('/symbols/{exchange}/{symbol}', '/symbols/NSE/IMC1', 409);
    expect(several.body).toMatchObject({
      error: 'ambiguous',
      choices: [{ exchangeToken: '14219' }, { exchangeToken: '14224' }],
    });
  });

  test('is the page at /api, for people, without a script', async () => {
    const page = await createVisitor(server.origin).get('/api');
    expect(page.status).toBe(200);
    expect(page.text).not.toContain('<script');
    for (const { path, method } of operations())
      expect(page.text).toContain(`${method.toUpperCase()} /api/v1${path}`);
    for (const shown of [
      'session.idleEndsAt',
      'broker_reauth_required',
      'whole number, 1 to 500, 100 by default',
    ])
      expect(page.text).toContain(shown);
  });
});

const escapePointer = (part: string): string =>
  encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
