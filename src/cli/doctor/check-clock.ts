import { DateTime } from 'luxon';
import { type CutoffTime, formatCutoffTime, MARKET_ZONE, nextCutoff } from '../../core/cutoff.ts';
import { describeDuration } from '../../core/duration.ts';
import { formatIst } from '../../core/ist.ts';
import { type Finding, findingsOf } from './finding.ts';

/** Curfew did not exist before: a clock that says so has lost its battery. */
const EARLIEST = Date.UTC(2026, 0, 1);
const IST_OFFSET_MINUTES = 330;

/** The clock by itself, the zone, and when the next cutoff is by them. */
export function checkClock(now: number, cutoffTime: CutoffTime): readonly Finding[] {
  const { ok, fail } = findingsOf('clock');
  const here = DateTime.fromMillis(now);
  if (now < EARLIEST)
    return [
      fail(`It is ${here.toISO()} by this machine's clock`, 'Set the clock, and let NTP keep it right.'),
    ];
  if (DateTime.fromMillis(now, { zone: MARKET_ZONE }).offset !== IST_OFFSET_MINUTES)
    return [
      fail(
        `${MARKET_ZONE} is not five and a half hours ahead of UTC`,
        'Install a complete time zone database (ICU) for Node.',
      ),
    ];
  const zone = here.zoneName === MARKET_ZONE ? '' : `; this machine's own zone is ${here.zoneName}`;
  return [ok(`It is ${formatIst(now)}, ${formatUtc(now)}${zone}`), describeNextCutoff(now, cutoffTime)];
}

function describeNextCutoff(now: number, cutoffTime: CutoffTime): Finding {
  const { ok } = findingsOf('cutoff');
  if (cutoffTime === 'off') return ok('SESSION_EXPIRY_TIME is off: sessions end by idling only');
  const next = nextCutoff(now, cutoffTime);
  return ok(
    `SESSION_EXPIRY_TIME is ${formatCutoffTime(cutoffTime)}: the next is ${formatIst(next)} (${formatUtc(next)}), in ${describeDuration(next - now)}`,
  );
}

function formatUtc(instant: number): string {
  return DateTime.fromMillis(instant, { zone: 'utc' }).toFormat("d LLL HH:mm:ss 'UTC'");
}
