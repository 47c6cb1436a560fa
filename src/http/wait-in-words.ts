const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 3600;

/** How long to wait, rounded up: `1 second`, `45 seconds`, `2 minutes`, `3 hours`. */
export function waitInWords(seconds: number): string {
  if (seconds < 2 * MINUTE_SECONDS) return several(seconds, 'second');
  if (seconds < 2 * HOUR_SECONDS) return several(Math.ceil(seconds / MINUTE_SECONDS), 'minute');
  return several(Math.ceil(seconds / HOUR_SECONDS), 'hour');
}

const several = (count: number, unit: string): string => (count === 1 ? `1 ${unit}` : `${count} ${unit}s`);
