import { type AdapterCallDeps, createAdapterCall } from './adapter-call.ts';
import type { BrokerAdapter } from './broker-adapter.ts';
import type { ReportRejected } from './rejection.ts';
import { secretDigest } from './secret-digest.ts';
import type { TokenReader } from './token-reader.ts';
import type { TokenStore } from './token-store.ts';

/**
 * The broker's answer to the stored token. `rejected`: it knows the token no more, and the connection was ended
 * here. `replaced`: it rejected a token whose connection had ended meanwhile. `refused`: it said no to the question;
 * `unreachable`: it did not answer. The three leave what is connected now as it is.
 */
export type CheckOutcome =
  | 'accepted'
  | 'rejected'
  | 'refused'
  | 'replaced'
  | 'unreachable'
  | 'not_connected'
  | 'credentials_missing'
  | 'not_offered';

export type CheckConnection = (userId: string, adapter: BrokerAdapter) => Promise<CheckOutcome>;

export interface ConnectionCheckDeps extends AdapterCallDeps {
  readonly reader: Pick<TokenReader, 'accessToken'>;
  readonly tokens: Pick<TokenStore, 'saveClientId'>;
  readonly reportRejected: ReportRejected;
}

/** Asks a broker whether it takes a person's token now, and whose account that is. */
export function createConnectionCheck(deps: ConnectionCheckDeps): CheckConnection {
  const { reader, tokens, reportRejected } = deps;
  const callAdapter = createAdapterCall(deps);

  return async function checkConnection(userId, adapter) {
    const { id: broker, checkToken } = adapter;
    if (checkToken === undefined) return 'not_offered';
    const reading = await reader.accessToken(userId, broker);
    if (reading.kind !== 'token') return 'not_connected';
    const { token: accessToken } = reading;
    const tokenDigest = secretDigest(accessToken);
    const answer = await callAdapter(adapter, userId, (credentials) =>
      checkToken({ credentials, accessToken }),
    );
    if (answer.kind === 'rejected' && !(await reportRejected(userId, broker, { tokenDigest })))
      return 'replaced';
    if (answer.kind === 'accepted' && answer.clientId !== undefined)
      await tokens.saveClientId(broker, tokenDigest, answer.clientId);
    return answer.kind;
  };
}
