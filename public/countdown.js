import { findClockPanel } from './clock-panel.js';
import { findHeaderCountdown } from './header-countdown.js';
import { refreshRelativeTimes } from './ist-text.js';
import { keepText, offerKeptText } from './kept-text.js';
import { leave } from './leave.js';
import { findLiveNotices } from './live-notices.js';
import { keepSocket } from './live-socket.js';
import { findSessionStrip } from './session-strip.js';
import { watchSession } from './session-watch.js';
import { openTabChannel } from './tab-channel.js';

const RETRY_MS = 1_000;
const MINUTE_MS = 60_000;
/** A form that this tab has just sent, to sign out for example, leads on by itself. */
const ANSWERED_WITHIN_MS = 10_000;

const panel = findClockPanel();
const headerCountdown = findHeaderCountdown();
const strip = findSessionStrip();
const notices = findLiveNotices();
const tabs = openTabChannel();
// Above the watch, which ticks at once.
let shownMinute = 0;
let submittedAt = 0;

const watch = watchSession({
  known: panel?.known,
  onTick(state) {
    panel?.show(state);
    headerCountdown?.show(state);
    strip?.show(state);
    refreshTimes(state);
  },
  onEnd(reason) {
    tabs.tellOthers(reason);
    setTimeout(
      () => {
        keepText();
        leave({ reason, returnTo: strip?.returnTo ?? location.pathname + location.search });
      },
      Math.max(0, submittedAt + ANSWERED_WITHIN_MS - Date.now()),
    );
  },
});
tabs.onTold(watch.ask);
document.addEventListener('submit', () => {
  submittedAt = Date.now();
});
tabs.onEvent((event) => notices?.show(event));
offerKeptText();

if (strip !== undefined)
  keepSocket({
    onEvent(event) {
      notices?.show(event);
      tabs.passOn(event);
    },
    onEnd: () => watch.ask(),
  });

// Without an answer the page is reloaded at the end, and shows an error where the server is away.
window.addEventListener('pagehide', () => {
  if (watch.isOver()) keepText();
});

/** @param {import('./session-watch.js').SessionState} state */
function refreshTimes({ now, isKnown }) {
  const minute = Math.floor(now / MINUTE_MS);
  if (!isKnown || minute === shownMinute) return;
  shownMinute = minute;
  refreshRelativeTimes(now);
}

// A page that comes back out of the browser's memory may belong to a session that is over: it stays covered until
// the server has said that it is not.
window.addEventListener('pageshow', (event) => {
  if (event.persisted) void uncoverWhenLive();
});

async function uncoverWhenLive() {
  const main = document.querySelector('main');
  if (main === null) return;
  main.hidden = true;
  while (!(await watch.ask())) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  main.hidden = false;
}
