import { istText, relativeText } from './ist-text.js';

const ASK_EVERY_MS = 2_500;
const MOST_ROWS = 50;
const LIVE = 'Live, newest first';

/** @typedef {{ place: string, at: number, href: string, tone: string } & Record<string, string | number>} Entry */

const card = document.querySelector('[data-tail]');
const rows = document.querySelector('[data-tail-rows]');
const pattern = document.querySelector('[data-tail-pattern]');
const button = document.querySelector('[data-tail-button]');
const state = document.querySelector('[data-tail-state]');

let isPaused = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** @param {string} text */
function say(text) {
  if (state !== null && state.textContent !== text) state.textContent = text;
}

/** Asks again and again, but not from a tab that nobody looks at. */
function keepAsking() {
  clearTimeout(timer);
  if (!isPaused && !document.hidden) timer = setTimeout(ask, ASK_EVERY_MS);
}

async function ask() {
  try {
    const answer = await fetch(card?.getAttribute('data-tail') ?? '', {
      headers: { Accept: 'application/json' },
    });
    if (answer.status === 401 || answer.status === 403) return stop();
    if (answer.ok && !isPaused) {
      show((await answer.json()).entries);
      say(LIVE);
    }
  } catch {
    say('The server cannot be reached. Trying again.');
  }
  keepAsking();
}

function stop() {
  say('No longer live. Load the page again.');
  button?.setAttribute('hidden', '');
}

/**
 * Adds what is not there yet. Rows that are there stay where they are, with whatever has the focus in them.
 * @param {readonly Entry[]} entries
 */
function show(entries) {
  if (rows === null) return;
  const known = new Set([...rows.children].map((row) => placeOf(row)));
  for (const entry of entries) {
    if (known.has(entry.place)) continue;
    const older = [...rows.children].find((row) => isOlder(placeOf(row), entry.place));
    rows.insertBefore(toRow(entry), older ?? null);
  }
  while (rows.children.length > MOST_ROWS) rows.lastElementChild?.remove();
  if (rows.children.length === 0) return;
  card?.removeAttribute('hidden');
  document.querySelector('[data-tail-empty]')?.remove();
}

/** @param {Element} row */
function placeOf(row) {
  return row.getAttribute('data-place') ?? '';
}

/**
 * @param {string} place
 * @param {string} than
 */
function isOlder(place, than) {
  const [at = 0, id = 0] = place.split('.').map(Number);
  const [thanAt = 0, thanId = 0] = than.split('.').map(Number);
  return at < thanAt || (at === thanAt && id < thanId);
}

/** @param {Entry} entry */
function toRow(entry) {
  const row = /** @type {HTMLTemplateElement} */ (pattern).content.firstElementChild?.cloneNode(true);
  if (!(row instanceof Element)) throw new Error('The pattern of a row is missing');
  row.setAttribute('data-place', entry.place);
  row.querySelector('a')?.setAttribute('href', entry.href);
  const time = row.querySelector('time');
  if (time !== null) {
    time.dateTime = new Date(entry.at).toISOString();
    time.title = istText(entry.at);
    time.textContent = relativeText(entry.at, Math.max(entry.at, Date.now())) ?? istText(entry.at);
  }
  for (const part of row.querySelectorAll('[data-part]'))
    part.textContent = String(entry[part.getAttribute('data-part') ?? ''] ?? '');
  row.querySelector('[data-part="status"]')?.setAttribute('class', `answer answer-${entry.tone}`);
  return row;
}

button?.removeAttribute('hidden');
button?.addEventListener('click', () => {
  isPaused = !isPaused;
  button.textContent = isPaused ? 'Resume' : 'Pause';
  say(isPaused ? 'Paused.' : LIVE);
  if (isPaused) keepAsking();
  else void ask();
});
document.addEventListener('visibilitychange', keepAsking);
say(LIVE);
keepAsking();
