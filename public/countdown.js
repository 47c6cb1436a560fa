import { findClockPanel } from './clock-panel.js';
import { refreshRelativeTimes } from './ist-text.js';
import { leave } from './leave.js';
import { findSessionStrip } from './session-strip.js';
import { watchSession } from './session-watch.js';
import { openTabChannel } from './tab-channel.js';

const RETRY_MS = 1_000;
const MINUTE_MS = 60_000;

const panel = findClockPanel();
const strip = findSessionStrip();
const tabs = openTabChannel();
let shownMinute = 0;

const watch = watchSession({
  known: panel?.known,
  onTick(state) {
    panel?.show(state);
    strip?.show(state);
    refreshTimes(state);
  },
  onEnd(reason) {
    tabs.tellOthers();
    leave({ reason, returnTo: strip?.returnTo ?? location.pathname + location.search });
  },
});
tabs.onTold(watch.ask);

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
