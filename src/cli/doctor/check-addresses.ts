import ipaddr from 'ipaddr.js';
import type { Config } from '../../config.ts';
import { type Finding, findingsOf } from './finding.ts';

/** What browsers speak and where the server listens must fit together. */
export function checkAddresses({ host, port, baseUrl, https, trustProxy }: Config): readonly Finding[] {
  const { ok, warn } = findingsOf('addresses');
  if (https && trustProxy.length === 0)
    return [
      warn(
        `BASE_URL is ${baseUrl}, and TRUST_PROXY is empty: everybody seems to come from the proxy's address, and one person's failed sign-ins slow down all`,
        'Set TRUST_PROXY to the address of the proxy that ends TLS, such as TRUST_PROXY=127.0.0.1',
      ),
    ];
  if (!https && !isLoopback(host))
    return [
      warn(
        `HOST is ${host} and BASE_URL is ${baseUrl}: passwords and cookies cross the network unencrypted`,
        'Put a proxy with TLS in front and set BASE_URL=https://…, or listen on HOST=127.0.0.1 only.',
      ),
    ];
  return [ok(`${baseUrl}, listening on ${host} port ${port}`)];
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || (ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback');
}
