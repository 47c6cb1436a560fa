import { readFileSync } from 'node:fs';

const ROUTES = '/proc/net/route';
const IS_GATEWAY = 0x2;

/**
 * The IPv4 gateways of this machine, on Linux. In a container all clients may seem to come from there; a ban of the gateway
 * has locked out whole installations of other products. Elsewhere, or where they cannot be read: none.
 */
export function readGateways(file = ROUTES): readonly string[] {
  return parseGateways(readOrNothing(file));
}

/** A header, then lines of `eth0 00000000 0101A8C0 0003 …`: addresses as hexadecimal numbers of little-endian machines. */
export function parseGateways(text: string): readonly string[] {
  const gateways = text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, , gateway, flags]) =>
        gateway !== '00000000' && (Number.parseInt(flags ?? '', 16) & IS_GATEWAY) !== 0,
    )
    .map(([, , gateway = '']) => gateway.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? [])
    .filter((bytes) => bytes.length === 4);
  return [...new Set(gateways.map((bytes) => bytes.reverse().join('.')))];
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
