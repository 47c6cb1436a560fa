import { z } from 'zod';
import { clientMessages, serverMessages } from './messages.ts';
import { SOCKET_PATH } from './socket-path.ts';

export interface AsyncApiOptions {
  /** BASE_URL. */
  readonly publicOrigin: string;
  /** Of the session. */
  readonly cookieName: string;
}

/** Describes /ws by the schemas that messages are checked against. AsyncAPI 3.0. */
export function createAsyncApiDocument({ publicOrigin, cookieName }: AsyncApiOptions) {
  const { host, protocol } = new URL(publicOrigin);
  const all = { ...clientMessages, ...serverMessages };
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Curfew feed',
      version: '1',
      description:
        'Prices and events of a user’s account over a WebSocket. One JSON object in each text frame.',
    },
    defaultContentType: 'application/json',
    servers: {
      curfew: {
        host,
        protocol: protocol === 'https:' ? 'wss' : 'ws',
        security: Object.keys(securitySchemes(cookieName)).map((name) => ({
          $ref: `#/components/securitySchemes/${name}`,
        })),
      },
    },
    channels: {
      feed: {
        address: SOCKET_PATH,
        messages: Object.fromEntries(
          Object.keys(all).map((name) => [name, { $ref: `#/components/messages/${name}` }]),
        ),
        bindings: { ws: { method: 'GET' } },
      },
    },
    operations: {
      receiveMessages: {
        action: 'receive',
        channel: { $ref: '#/channels/feed' },
        messages: refsTo(clientMessages),
        reply: { channel: { $ref: '#/channels/feed' }, messages: refsTo({ ack: 0, error: 0 }) },
      },
      sendMessages: {
        action: 'send',
        channel: { $ref: '#/channels/feed' },
        messages: refsTo(serverMessages),
      },
    },
    components: {
      messages: Object.fromEntries(
        Object.entries(all).map(([name, schema]) => [name, toMessage(name, schema)]),
      ),
      securitySchemes: securitySchemes(cookieName),
    },
  };
}

const refsTo = (messages: object): readonly { readonly $ref: string }[] =>
  Object.keys(messages).map((name) => ({ $ref: `#/channels/feed/messages/${name}` }));

function toMessage(name: string, schema: z.ZodType) {
  const { $schema: _, description, ...payload } = z.toJSONSchema(schema);
  return { name, summary: description, payload };
}

const securitySchemes = (cookieName: string) => ({
  bearer: { type: 'http', scheme: 'bearer', description: 'An API key with the scope feed:read.' },
  header: { type: 'httpApiKey', in: 'header', name: 'X-API-Key', description: 'The same key.' },
  session: {
    type: 'httpApiKey',
    in: 'cookie',
    name: cookieName,
    description: 'A signed-in browser, whose Origin is that of this server.',
  },
});
