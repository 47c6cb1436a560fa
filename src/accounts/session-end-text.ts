import { formatCutoffTime } from '../core/cutoff.ts';
import { describeDuration } from '../core/duration.ts';
import type { SessionPolicy } from '../core/session-policy.ts';

/** How long who signs in now stays signed in, for the sign-in page. Their own idle limit may be shorter. */
export function sessionEndText({ cutoffTime, idleTimeoutMs }: SessionPolicy): string {
  const cutoff = cutoffTime === 'off' ? undefined : `until ${formatCutoffTime(cutoffTime)} IST`;
  const idle = idleTimeoutMs === 'off' ? undefined : `${describeDuration(idleTimeoutMs)} without use`;
  if (cutoff !== undefined && idle !== undefined)
    return `You stay signed in ${cutoff} at the latest, and not beyond ${idle}.`;
  if (cutoff !== undefined) return `You stay signed in ${cutoff}.`;
  return idle === undefined
    ? 'You stay signed in until you sign out or close the browser.'
    : `You stay signed in, but not beyond ${idle}.`;
}
