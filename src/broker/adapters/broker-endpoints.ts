/** Where a broker is. Each adapter has the published addresses as its default; tests put a server of their own there. */
export interface BrokerEndpoints {
  /** The page that a person is sent to. */
  readonly login: string;
  /** Base address of the API, without a slash at the end. */
  readonly api: string;
  /** Where the login page may send a browser on to, as CSP sources, besides the login page's own origin. */
  readonly pages?: readonly string[];
  /** The profile's address, where `api` is another host. */
  readonly profile?: string;
  /** Where its price stream begins; the published address where none is named. */
  readonly feed?: string;
}

/** The CSP sources of everything between the Connect button and the broker's form. */
export function originsOf({ login, pages = [] }: BrokerEndpoints): readonly string[] {
  return [new URL(login).origin, ...pages];
}
