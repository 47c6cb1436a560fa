import { askSession } from './ask-session.js';

const POLL_MS = 5_000;
/** Ticks come every second; one that comes so late follows a sleep of the machine. */
const SLEPT_MS = 10_000;
const SETTLE_MS = 2_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 5_000;

/**
 * `now` is the server's time; `firstCutoff` the cutoff that was in force when the page was made; `isKnown` whether the
 * times were said by anybody yet.
 * @typedef {import('./ask-session.js').SessionTimes} SessionTimes
 * @typedef {{ now: number, times: SessionTimes, firstCutoff: number | undefined, isKnown: boolean, isReachable: boolean }} SessionState
 */

/**
 * Watches one session: tells the seconds by the server's clock, asks every five seconds while the tab is visible, and
 * asks at the very instant at which the session should end, looked at or not.
 * @param {{
 *   known: { now: number, cutoff: number | undefined } | undefined,
 *   onTick: (state: SessionState) => void,
 *   onEnd: (reason: string) => void,
 * }} options `known` is what the page itself says; without it the server is asked at once.
 */
export function watchSession({ known, onTick, onEnd }) {
  let isKnown = known !== undefined;
  let offset = known === undefined ? 0 : known.now - Date.now();
  let firstCutoff = known?.cutoff;
  /** @type {SessionTimes} */
  let times = { cutoff: known?.cutoff, idleDeadline: undefined };
  let askedAt = Date.now();
  let retryAt = 0;
  let failures = 0;
  let isAsking = false;
  let hasEnded = false;
  /** @type {string | undefined} */
  let knownReason;
  let tickedAt = Date.now();

  const serverNow = () => Date.now() + offset;
  const isOver = () => serverNow() >= earliest(times);

  function isDue() {
    const now = Date.now();
    if (isAsking || now < retryAt) return false;
    if (!isKnown || failures > 0 || isOver()) return true;
    return document.visibilityState === 'visible' && now - askedAt >= POLL_MS;
  }

  /**
   * Asks now, unless an answer is under way. Resolves to whether the server said that the session lives. `toldReason` is what
   * it said to another tab: once that one has the sign-in form, this one would only hear that the session is missing.
   * @param {string} [toldReason]
   */
  async function ask(toldReason) {
    knownReason = toldReason ?? knownReason;
    if (isAsking || hasEnded) return false;
    isAsking = true;
    const answer = await askSession();
    isAsking = false;
    askedAt = Date.now();
    if (answer.kind === 'ended') {
      hasEnded = true;
      // The cookie is another one already, of a form that another tab shows: this tab had a session, and has none now.
      onEnd(knownReason ?? (answer.reason === 'login_required' ? 'logged_out' : answer.reason));
      return false;
    }
    if (answer.kind === 'live') accept(answer);
    failures = answer.kind === 'live' ? 0 : failures + 1;
    retryAt = failures === 0 ? 0 : askedAt + Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
    show();
    return answer.kind === 'live';
  }

  /** @param {{ offset: number, times: SessionTimes }} answer */
  function accept(answer) {
    ({ offset, times } = answer);
    if (!isKnown) firstCutoff = times.cutoff;
    isKnown = true;
  }

  function show() {
    onTick({ now: serverNow(), times, firstCutoff, isKnown, isReachable: failures === 0 });
  }

  function tick() {
    if (hasEnded) return;
    show();
    const hasSlept = Date.now() - tickedAt >= SLEPT_MS;
    tickedAt = Date.now();
    if (hasSlept || isDue()) void ask();
    setTimeout(tick, 1_000 - (serverNow() % 1_000));
  }

  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && Date.now() - askedAt >= SETTLE_MS) void ask();
  });
  window.addEventListener('online', () => void ask());
  tick();
  return { ask, isOver };
}

/** @param {SessionTimes} times */
function earliest({ cutoff, idleDeadline }) {
  return Math.min(cutoff ?? Number.POSITIVE_INFINITY, idleDeadline ?? Number.POSITIVE_INFINITY);
}
