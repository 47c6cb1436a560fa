import { isIPv6 } from 'node:net';

const DEFAULT_PORTS = { http: ':80', https: ':443' } as const;

/** The host of an address as rules and requests are compared; undefined for what is none. */
export function normaliseHost(text: string, scheme: keyof typeof DEFAULT_PORTS): string | undefined {
  const [, name = '', port = ''] = /^(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(:\d{1,5})?$/i.exec(text) ?? [];
  const bare = name.toLowerCase().replace(/\.$/, '');
  if (bare === '' || (bare.startsWith('[') && !isIPv6(bare.slice(1, -1)))) return undefined;
  return port === '' || Number(port.slice(1)) === Number(DEFAULT_PORTS[scheme].slice(1)) ? bare : bare + port;
}
