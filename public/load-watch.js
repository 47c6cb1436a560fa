const ASK_EVERY_MS = 5_000;

const region = document.querySelector('[data-load-live]');
const announcement = document.querySelector('[data-load-announcement]');

/** @param {ParentNode} within */
const piecesOf = (within) => within.querySelector('[data-load-alerts]');

/**
 * @param {Element} old
 * @param {Element} fresh
 */
function show(old, fresh) {
  const alerts = fresh.getAttribute('data-load-alerts') ?? '0';
  if (announcement && alerts !== old.getAttribute('data-load-alerts'))
    announcement.textContent = alerts === '0' ? 'No alerts' : `Alerts now: ${alerts}`;
  old.setAttribute('data-load-alerts', alerts);
  const parts = byAttribute(fresh, 'data-part');
  for (const [name, part] of byAttribute(old, 'data-part')) {
    const now = parts.get(name);
    if (now) showPart(part, now);
  }
}

/**
 * Figures are changed where they stand, so that no table is taken from under somebody who reads it. Only a part in which
 * rows come or go is replaced, and not while the keyboard is in it.
 * @param {Element} old
 * @param {Element} fresh
 */
function showPart(old, fresh) {
  if (old.getAttribute('data-shape') !== fresh.getAttribute('data-shape')) {
    if (!old.contains(document.activeElement)) old.replaceWith(fresh);
    return;
  }
  const figures = byAttribute(fresh, 'data-figure');
  for (const [name, place] of byAttribute(old, 'data-figure')) {
    const text = figures.get(name)?.textContent ?? '';
    if (place.textContent !== text) place.textContent = text;
  }
}

/**
 * @param {Element} within
 * @param {string} attribute
 */
function byAttribute(within, attribute) {
  const found = within.querySelectorAll(`[${attribute}]`);
  return new Map([...found].map((element) => [element.getAttribute(attribute), element]));
}

async function ask() {
  try {
    const answer = await fetch(region?.getAttribute('data-load-live') ?? '', { cache: 'no-store' });
    if (answer.ok) {
      const fresh = piecesOf(new DOMParser().parseFromString(await answer.text(), 'text/html'));
      const old = region && piecesOf(region);
      if (old && fresh) show(old, fresh);
    }
  } catch {
    // Not to be reached at the moment.
  }
}

/** While nobody looks, nothing is asked. */
function askAgain() {
  setTimeout(async () => {
    if (!document.hidden) await ask();
    askAgain();
  }, ASK_EVERY_MS);
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void ask();
});
askAgain();
