import * as oauth from 'oauth4webapi';

/**
 * Reads the metadata of an authorization server (RFC 8414) when it is first needed, and keeps it. A failed reading is
 * not kept. The issuer in it must be the one that was asked for.
 */
export function createDiscovery(
  issuer: URL,
  requestOptions: () => oauth.DiscoveryRequestOptions,
): () => Promise<oauth.AuthorizationServer> {
  let known: Promise<oauth.AuthorizationServer> | undefined;

  async function discover(): Promise<oauth.AuthorizationServer> {
    const response = await oauth.discoveryRequest(issuer, { ...requestOptions(), algorithm: 'oauth2' });
    return oauth.processDiscoveryResponse(issuer, response);
  }

  return function findServer() {
    known ??= discover().catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  };
}
