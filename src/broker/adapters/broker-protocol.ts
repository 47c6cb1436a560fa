import { z } from 'zod';
import type {
  AppCredentials,
  BrokerGrant,
  BrokerLogoutResult,
  BrokerProblem,
  TokenCheck,
} from '../broker-adapter.ts';
import {
  type BrokerAnswer,
  type BrokerCall,
  callBroker,
  GARBLED,
  INVALID_CALLBACK,
  INVALID_CREDENTIALS,
} from './call-broker.ts';
import { callbackParameter } from './callback-parameter.ts';

/**
 * Keys, secrets and tokens: printable ASCII without spaces. Anything else cannot stand in a header, and the error that
 * `fetch` would throw for it carries the text.
 */
export const visibleText = z.string().regex(/^[\x21-\x7e]{1,4096}$/);

/** A client id as brokers write it, and as pages show it. */
export const clientIdText = z.string().regex(/^[\w.-]{1,32}$/);

export interface BrokerProtocolOptions<App> {
  /** Schema of `credentialFields`, as the broker's requests need them. */
  readonly app: z.ZodType<App>;
  /** The fixed word for an error of the broker's own; `undefined` where the answer is none of its errors. */
  readonly errorOf: (answer: BrokerAnswer) => string | undefined;
  /** The word of `errorOf` for a token that has ended there, or never was one. */
  readonly deadToken: string;
}

/** One request to the broker, with the schema of a yes. */
export interface BrokerQuestion<T> extends BrokerCall {
  readonly url: string | URL;
  readonly yes: z.ZodType<T>;
}

/** Shared by the adapters of brokers with JSON answers: usable keys, a yes, a no in a fixed word, a token that is dead. */
export interface BrokerProtocol<App> {
  /** Goes on with the app's keys, or refuses where one cannot stand in a request. */
  withApp<T>(credentials: AppCredentials, use: (app: App) => T): T | BrokerProblem;
  /** Exchanges what the person brought back; `grant` makes the connection of the broker's yes. */
  exchange<T>(
    question: BrokerQuestion<T>,
    grant: (yes: T) => BrokerGrant | BrokerProblem,
  ): Promise<BrokerGrant | BrokerProblem>;
  ask<T>(question: BrokerQuestion<T>): Promise<{ readonly kind: 'yes'; readonly yes: T } | BrokerProblem>;
  /** Ends a token; one that is dead there already is what was wanted. */
  logOut(question: BrokerQuestion<unknown>): Promise<BrokerLogoutResult>;
  /** Asks the broker's profile whether it takes the token, and whose it is. */
  checkToken(question: BrokerQuestion<string | undefined>): Promise<TokenCheck>;
}

export function createBrokerProtocol<App>({
  app,
  errorOf,
  deadToken,
}: BrokerProtocolOptions<App>): BrokerProtocol<App> {
  async function ask<T>({ url, yes, ...call }: BrokerQuestion<T>) {
    const answer = await callBroker(new URL(url), call);
    if (answer.kind !== 'answer') return answer;
    const parsed = yes.safeParse(answer.body);
    if (parsed.success) return { kind: 'yes', yes: parsed.data } as const;
    const why = errorOf(answer);
    return why === undefined ? GARBLED : ({ kind: 'refused', why } as const);
  }

  return {
    ask,

    withApp(credentials, use) {
      const parsed = app.safeParse(credentials);
      return parsed.success ? use(parsed.data) : INVALID_CREDENTIALS;
    },

    async exchange(question, grant) {
      const result = await ask(question);
      return result.kind === 'yes' ? grant(result.yes) : result;
    },

    async logOut(question) {
      const result = await ask(question);
      return result.kind === 'yes' || isDead(result) ? { kind: 'done' } : result;
    },

    async checkToken(question) {
      const result = await ask(question);
      if (result.kind === 'yes') return { kind: 'accepted', clientId: result.yes };
      return isDead(result) ? { kind: 'rejected' } : result;
    },
  };

  function isDead({ kind, why }: BrokerProblem): boolean {
    return kind === 'refused' && why === deadToken;
  }
}

/** An `errorOf` for brokers with a table of error codes; a code that the table lacks is `other_error`. */
export function errorWords<Code>(
  code: z.ZodType<Code>,
  words: ReadonlyMap<Code, string>,
): (answer: BrokerAnswer) => string | undefined {
  return function errorOf({ body }) {
    const parsed = code.safeParse(body);
    return parsed.success ? (words.get(parsed.data) ?? 'other_error') : undefined;
  };
}

/** Undefined where the callback carries the state of the authorization that this session began. */
export function stateProblem(
  parameters: URLSearchParams,
  expectedState: string | undefined,
): BrokerProblem | undefined {
  const belongs = expectedState !== undefined && callbackParameter(parameters, 'state') === expectedState;
  return belongs ? undefined : INVALID_CALLBACK;
}

/** An address of the broker with parameters in its query. */
export function withQuery(address: string, parameters: Readonly<Record<string, string>>): URL {
  const url = new URL(address);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url;
}
