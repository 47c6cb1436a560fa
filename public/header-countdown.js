const URGENT_MS = 10 * 60_000;
const MINUTE_MS = 60_000;

/** The countdown in the header of every page of a signed-in user; undefined where there is none. */
export function findHeaderCountdown() {
  const link = document.querySelector('[data-header-countdown]');
  if (!(link instanceof HTMLElement)) return undefined;
  return {
    /** @param {import('./session-watch.js').SessionState} state */
    show({ now, times, isKnown }) {
      if (!isKnown) return;
      link.hidden = times.cutoff === undefined;
      if (times.cutoff === undefined) return;
      const leftMs = Math.max(0, times.cutoff - now);
      link.classList.toggle('is-urgent', leftMs <= URGENT_MS);
      const text = `Ends in ${leftText(leftMs)}`;
      if (link.textContent !== text) link.textContent = text;
    },
  };
}

/**
 * In hours and minutes, and in the last ten minutes to the second.
 * @param {number} leftMs
 */
export function leftText(leftMs) {
  if (leftMs <= URGENT_MS) {
    const seconds = Math.ceil(leftMs / 1_000);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  }
  const minutes = Math.ceil(leftMs / MINUTE_MS);
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${minutes} min` : `${hours} h ${minutes % 60} min`;
}
