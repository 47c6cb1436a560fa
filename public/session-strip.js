import { sessionMessage } from './session-message.js';

/** The strip under the header that says what is urgent about the session; undefined where nobody is signed in. */
export function findSessionStrip() {
  const strip = document.querySelector('[data-session-strip]');
  const text = document.querySelector('[data-strip-text]');
  const link = document.querySelector('[data-strip-action]');
  const announcement = document.querySelector('[data-session-announcement]');
  if (!(strip instanceof HTMLElement) || !(link instanceof HTMLAnchorElement)) return undefined;

  const alertMinutes = Number(strip.dataset['alertMinutes']);

  return {
    returnTo: strip.dataset['returnTo'],
    /** @param {import('./session-watch.js').SessionState} state */
    show(state) {
      const message = sessionMessage(state, alertMinutes);
      // Until more is known, what the page itself says of the cutoff stands.
      if (message === undefined && !state.isKnown) return;
      strip.hidden = message === undefined;
      strip.classList.toggle('is-warning', message?.tone === 'warning');
      write(text, message?.text ?? '');
      write(announcement, message?.spoken ?? '');
      write(link, message?.reload ?? '');
      link.hidden = message?.reload === undefined;
    },
  };
}

/**
 * Writes only what changed: a live region would be read out again, and a selection lost.
 * @param {Element | null} element
 * @param {string} text
 */
function write(element, text) {
  if (element !== null && element.textContent !== text) element.textContent = text;
}
