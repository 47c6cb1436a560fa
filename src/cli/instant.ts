import { InvalidArgumentError } from 'commander';
import { DateTime } from 'luxon';
import { MARKET_ZONE } from '../core/cutoff.ts';

/**
 * Reads an instant as it is typed, in ms since the epoch: ISO 8601 with a date. Without an offset it is Indian
 * time, as everything that Curfew prints; a date alone is its midnight. Throws commander's error when it cannot be read.
 */
export function readInstant(text: string): number {
  const instant = DateTime.fromISO(text, { zone: MARKET_ZONE });
  if (!/^\d{4}-?\d{2}-?\d{2}/.test(text) || !instant.isValid)
    throw new InvalidArgumentError('Write it like 2026-11-23T03:00 (Indian time) or 2026-11-22T21:30:00Z.');
  return instant.toMillis();
}
