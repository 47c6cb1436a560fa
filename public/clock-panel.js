import { istText, istTimeOfDay } from './ist-text.js';

const WARN_MS = 5 * 60_000;

/** The countdown on the dashboard; undefined on the other pages. */
export function findClockPanel() {
  const panel = document.querySelector('[data-clock]');
  if (!(panel instanceof HTMLElement)) return undefined;
  const { now, login, cutoff } = panel.dataset;
  const loginTime = Number(login);
  let shownCutoff = cutoff === undefined ? undefined : Number(cutoff);
  const countdown = countdownIn(panel);

  return {
    known: { now: Number(now), cutoff: shownCutoff },
    /** @param {import('./session-watch.js').SessionState} state */
    show({ now, times }) {
      if (times.cutoff !== shownCutoff) {
        const before = shownCutoff;
        shownCutoff = times.cutoff;
        showCutoff(panel, shownCutoff);
        showBrokerEnds(before, shownCutoff);
      }
      if (shownCutoff === undefined) return;
      const leftMs = Math.max(0, shownCutoff - now);
      countdown.show(leftMs);
      panel.classList.toggle('is-ending', leftMs <= WARN_MS);
      for (const rail of panel.getElementsByTagName('progress')) {
        rail.max = Math.max(1, shownCutoff - loginTime);
        rail.value = now - loginTime;
      }
    },
  };
}

/**
 * Puts a cutoff that changed while the page was open in its place, or that there is none any more.
 * @param {HTMLElement} panel
 * @param {number | undefined} cutoff
 */
function showCutoff(panel, cutoff) {
  panel.querySelector('[data-cutoff-on]')?.toggleAttribute('hidden', cutoff === undefined);
  panel.querySelector('[data-cutoff-off]')?.toggleAttribute('hidden', cutoff !== undefined);
  panel.classList.remove('is-ending');
  if (cutoff === undefined) return;
  const time = panel.querySelector('[data-cutoff-time]');
  time?.setAttribute('datetime', new Date(cutoff).toISOString());
  write(time, istText(cutoff));
  for (const end of panel.querySelectorAll('[data-cutoff-of-day]')) write(end, istTimeOfDay(cutoff));
}

/**
 * A broker that was connected until the cutoff is so until the new one.
 * @param {number | undefined} before
 * @param {number | undefined} cutoff
 */
function showBrokerEnds(before, cutoff) {
  for (const end of document.querySelectorAll('[data-broker-end]')) {
    const shown = Date.parse(end.getAttribute('datetime') ?? '');
    if (shown !== before && !(cutoff !== undefined && shown > cutoff)) continue;
    end.toggleAttribute('hidden', cutoff === undefined);
    if (cutoff === undefined) continue;
    end.setAttribute('datetime', new Date(cutoff).toISOString());
    write(end, istText(cutoff));
  }
}

/** @param {HTMLElement} panel */
function countdownIn(panel) {
  /** @param {string} name */
  const part = (name) => panel.querySelector(`[data-part="${name}"]`);
  const parts = { hours: part('hours'), minutes: part('minutes'), seconds: part('seconds') };
  panel.querySelector('[data-seconds]')?.removeAttribute('hidden');
  return {
    /** @param {number} leftMs */
    show(leftMs) {
      const seconds = Math.ceil(leftMs / 1_000);
      write(parts.hours, String(Math.floor(seconds / 3_600)));
      write(parts.minutes, twoDigits(Math.floor(seconds / 60) % 60));
      write(parts.seconds, twoDigits(seconds % 60));
    },
  };
}

/**
 * @param {Element | null} element
 * @param {string} text
 */
function write(element, text) {
  if (element !== null && element.textContent !== text) element.textContent = text;
}

/** @param {number} number */
function twoDigits(number) {
  return String(number).padStart(2, '0');
}
