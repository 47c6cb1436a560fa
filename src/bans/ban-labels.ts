import type { BanLength, BanReason } from '../core/ban-policy.ts';
import type { WhyProtected } from './protected-addresses.ts';

export const REASON_LABELS: Readonly<Record<BanReason, string>> = {
  invalid_api_keys: 'Invalid API keys',
  suspicious_paths: 'Suspicious paths',
  manual: 'Banned by hand',
  imported: 'Imported',
};

export const LENGTH_LABELS: Readonly<Record<BanLength, string>> = {
  '24h': '24 hours',
  '48h': '48 hours',
  '1w': 'A week',
  permanent: 'Permanently',
};

/** Behind the address: why it cannot be banned, and by whom that can be changed. */
export const PROTECTED_LABELS: Readonly<Record<WhyProtected, string>> = {
  loopback: 'stands for this machine itself and cannot be banned.',
  proxy: 'is a proxy that TRUST_PROXY names, so a ban would lock out all its clients.',
  own: 'is one of this server’s own addresses and cannot be banned.',
  gateway: 'is the gateway of this server’s network, so a ban would lock out all its clients.',
};
