import { callbackUri } from '../callback-uri.ts';

/** The one application that the practice broker has on its books: this server. */
export interface SandboxClient {
  readonly id: string;
  /** How the Allow page calls it. */
  readonly name: string;
  /** Compared as text, whole (RFC 9700, 4.1.3). */
  readonly redirectUri: string;
}

export const SANDBOX_BROKER_ID = 'sandbox';
export const SANDBOX_CLIENT_ID = 'curfew';

export function sandboxClient(publicOrigin: string): SandboxClient {
  return {
    id: SANDBOX_CLIENT_ID,
    name: 'Curfew',
    redirectUri: callbackUri(publicOrigin, SANDBOX_BROKER_ID),
  };
}
