import { istText, istTimeOfDay } from './ist-text.js';

const MINUTE_MS = 60_000;
const IDLE_WARNING_MS = MINUTE_MS;

/**
 * Text of the strip. `spoken` is for screen readers, and read out when it changes: rarely, and never each second.
 * `reload` is the text of a link that asks for the page again.
 * @typedef {{ tone: 'warning' | 'plain', text: string, spoken: string, reload?: string }} SessionMessage
 */

/**
 * The most urgent message about the session; undefined when all is well.
 * @param {import('./session-watch.js').SessionState} state
 * @param {number} alertMinutes from how many minutes before the cutoff on they want to know of it; 0 for not at all
 * @returns {SessionMessage | undefined}
 */
export function sessionMessage({ now, times, firstCutoff, isReachable }, alertMinutes) {
  const cutoffMs = (times.cutoff ?? Number.POSITIVE_INFINITY) - now;
  const idleMs = (times.idleDeadline ?? Number.POSITIVE_INFINITY) - now;
  if (idleMs <= IDLE_WARNING_MS && idleMs < cutoffMs) return withReach(idleMessage(idleMs), isReachable);
  if (cutoffMs <= alertMinutes * MINUTE_MS)
    return withReach(endingMessage(times.cutoff ?? now, cutoffMs), isReachable);
  if (!isReachable) {
    const text = 'Reconnecting. The server does not answer at the moment; this page may be out of date.';
    return { tone: 'plain', text, spoken: text };
  }
  if (times.cutoff !== firstCutoff) return changeMessage(times.cutoff);
  return undefined;
}

/**
 * The countdown goes on where the server is away, and says so.
 * @param {SessionMessage} message
 * @param {boolean} isReachable
 * @returns {SessionMessage}
 */
function withReach(message, isReachable) {
  return isReachable
    ? message
    : { ...message, text: `${message.text} The server does not answer at the moment.` };
}

/**
 * @param {number} cutoff
 * @param {number} leftMs
 * @returns {SessionMessage}
 */
function endingMessage(cutoff, leftMs) {
  const at = istTimeOfDay(cutoff);
  if (leftMs <= 0) {
    const text = `The time of this session was up at ${at}.`;
    return { tone: 'warning', text, spoken: text };
  }
  return {
    tone: 'warning',
    text: `This session ends in ${minutesAndSeconds(leftMs)}, at ${at}.`,
    spoken: spokenEnding(leftMs, at),
  };
}

/**
 * Changes six times at most.
 * @param {number} leftMs
 * @param {string} at
 */
function spokenEnding(leftMs, at) {
  const step = [1, 5, 10, 15, 30, 60].find((minutes) => leftMs <= minutes * MINUTE_MS);
  return step === 1
    ? 'This session ends within a minute.'
    : `This session ends in less than ${step ?? 60} minutes, at ${at}.`;
}

/**
 * @param {number} leftMs
 * @returns {SessionMessage}
 */
function idleMessage(leftMs) {
  return {
    tone: 'warning',
    text: `You have been idle. This session ends in ${minutesAndSeconds(leftMs)}.`,
    spoken: 'You have been idle. This session ends within a minute.',
    reload: 'Stay signed in',
  };
}

/**
 * @param {number | undefined} cutoff
 * @returns {SessionMessage}
 */
function changeMessage(cutoff) {
  const text =
    cutoff === undefined ? 'The cutoff was switched off.' : `The next cutoff is now ${istText(cutoff)}.`;
  return { tone: 'plain', text, spoken: text, reload: 'Load this page again' };
}

/** @param {number} ms */
function minutesAndSeconds(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
