import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import type { Clock } from '../core/clock.ts';
import { MINUTE_MS } from '../core/duration.ts';
import { readGateways } from './network-gateway.ts';

/** Why an address cannot be banned: a ban would lock out all its clients, or the server itself. */
export type WhyProtected = 'loopback' | 'proxy' | 'own' | 'gateway';

export interface ProtectedAddresses {
  /** Of an address or a block; undefined for one that may be banned. Text that is neither is protected as loopback is. */
  whyProtected(subject: string): WhyProtected | undefined;
}

export interface ProtectedAddressesDeps {
  /** TRUST_PROXY. */
  readonly trustProxy: readonly string[];
  readonly clock: Clock;
}

type Block = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/** How long the machine's addresses are believed to stay the same. */
const REMEMBERED_MS = MINUTE_MS;

export function createProtectedAddresses({ trustProxy, clock }: ProtectedAddressesDeps): ProtectedAddresses {
  const fixed: readonly (readonly [WhyProtected, readonly Block[]])[] = [
    ['loopback', ['127.0.0.0/8', '::1', '0.0.0.0/8', '::'].map(toBlock)],
    ['proxy', trustProxy.map(toBlock)],
  ];
  let machine: typeof fixed = [];
  let readAt = Number.NEGATIVE_INFINITY;

  function ofMachine(): typeof fixed {
    if (Math.abs(clock.now() - readAt) < REMEMBERED_MS) return machine;
    readAt = clock.now();
    machine = [
      ['own', ownAddresses().map(toBlock)],
      ['gateway', readGateways().map(toBlock)],
    ];
    return machine;
  }

  return {
    whyProtected(subject) {
      if (!isBlockOrAddress(subject)) return 'loopback';
      const block = toBlock(subject);
      const found = [...fixed, ...ofMachine()].find(([, blocks]) =>
        blocks.some((each) => overlap(each, block)),
      );
      return found?.[0];
    },
  };
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((each) =>
    (each ?? []).map(({ address }) => address.replace(/%.*$/, '')),
  );
}

const isBlockOrAddress = (text: string): boolean => ipaddr.isValidCIDR(text) || ipaddr.isValid(text);

function toBlock(text: string): Block {
  const [address, bits] = text.includes('/') ? ipaddr.parseCIDR(text) : [ipaddr.parse(text), 128];
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress())
    return [address.toIPv4Address(), Math.max(0, bits - 96)];
  return [address, address.kind() === 'ipv4' ? Math.min(bits, 32) : bits];
}

function overlap([one, oneBits]: Block, [other, otherBits]: Block): boolean {
  return one.kind() === other.kind() && one.match(other, Math.min(oneBits, otherBits));
}
