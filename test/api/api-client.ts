import type { Visitor } from '../support/visitor.ts';

type Fields = Readonly<Record<string, string | readonly string[]>>;

export const ALL_SCOPES = ['session:read', 'broker:token', 'symbols:read', 'signals:read', 'strategies:read'];

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The JSON, or undefined. */
  readonly body: {
    readonly status?: string;
    readonly error?: string;
    readonly message?: string;
    readonly fields?: Readonly<Record<string, string>>;
    readonly data?: Readonly<Record<string, unknown>>;
  };
}

/** A program with an API key. */
export interface ApiClient {
  ask(path: string, init?: RequestInit): Promise<ApiAnswer>;
}

export function createApiClient(
  origin: string,
  key: string | undefined,
  headers: Readonly<Record<string, string>> = {},
): ApiClient {
  return {
    async ask(path, init = {}) {
      const answer = await fetch(origin + path, {
        redirect: 'manual',
        ...init,
        headers: {
          ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
          ...headers,
          ...(init.headers as Record<string, string> | undefined),
        },
      });
      const text = await answer.text();
      const isJson = answer.headers.get('content-type')?.startsWith('application/json') ?? false;
      return {
        status: answer.status,
        headers: answer.headers,
        text,
        body: isJson && text !== '' ? JSON.parse(text) : {},
      };
    },
  };
}

let count = 0;

/** Makes a key on the page, as its owner does, and reads it off the answer. */
export async function makeKey(
  visitor: Visitor,
  fields: Fields = {},
): Promise<{ readonly id: string; readonly key: string }> {
  count += 1;
  const form = { name: `Key ${count}`, scopes: ALL_SCOPES, ...fields };
  const answer = await visitor.submit('/api-keys', form, '/api-keys/new');
  const key = /id="api-key">([^<]+)</.exec(answer.text)?.[1] ?? '';
  if (answer.status !== 201 || key === '') throw new Error(`No key: ${answer.status} ${answer.text}`);
  return { id: key.split('_')[1] ?? '', key };
}
