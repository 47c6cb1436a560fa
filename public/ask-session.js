const TIMEOUT_MS = 3_000;

/**
 * Until when a session lasts, in milliseconds since the epoch; undefined where nothing ends it.
 * @typedef {{ cutoff: number | undefined, idleDeadline: number | undefined }} SessionTimes
 *
 * @typedef {{ kind: 'live', offset: number, times: SessionTimes }
 *   | { kind: 'ended', reason: string }
 *   | { kind: 'unreachable' }} SessionAnswer
 */

/**
 * Asks the server how this session stands, which does not extend it. `offset` is how many milliseconds the server's
 * clock is ahead of this one.
 * @returns {Promise<SessionAnswer>}
 */
export async function askSession() {
  try {
    const askedAt = Date.now();
    const response = await fetch('/auth/session', {
      headers: { Accept: 'application/json' },
      cache: 'no-store',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.status === 401) return { kind: 'ended', reason: await reasonOf(response) };
    if (!response.ok) return { kind: 'unreachable' };
    const answeredAt = Date.now();
    return readTimes(await response.json(), (askedAt + answeredAt) / 2);
  } catch {
    return { kind: 'unreachable' };
  }
}

/**
 * @param {{ now: string, cutoff: string | null, idleDeadline: string | null }} body
 * @param {number} localNow
 * @returns {SessionAnswer}
 */
function readTimes({ now, cutoff, idleDeadline }, localNow) {
  const offset = Date.parse(now) - localNow;
  // A proxy's own 200 page is no answer of ours.
  if (Number.isNaN(offset)) return { kind: 'unreachable' };
  return { kind: 'live', offset, times: { cutoff: instant(cutoff), idleDeadline: instant(idleDeadline) } };
}

/**
 * A 401 ends the session even where its body cannot be read.
 * @param {Response} response
 */
async function reasonOf(response) {
  const body = await response.json().catch(() => undefined);
  return String(body?.reason ?? 'login_required');
}

/** @param {string | null} iso */
function instant(iso) {
  return iso === null ? undefined : Date.parse(iso);
}
