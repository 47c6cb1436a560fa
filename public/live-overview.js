const ASK_EVERY_MS = 10_000;
/** Charts change slowly and are most of the page: every sixth time. */
const CHARTS_EVERY = 6;

const spoken = document.querySelector('[data-live-spoken]');
const span = document.querySelector('[data-live-span]')?.getAttribute('data-live-span');
let asked = 0;
let askedAt = Date.now();
let timer = setTimeout(ask, ASK_EVERY_MS);

/** Asks for what has changed, while somebody looks. That the session is over is countdown.js's matter. */
async function ask() {
  clearTimeout(timer);
  if (document.visibilityState !== 'visible') return;
  askedAt = Date.now();
  asked += 1;
  try {
    const wanted = asked % CHARTS_EVERY === 0 ? `?charts=1${span ? `&span=${span}` : ''}` : '';
    const answer = await fetch(`/security/live${wanted}`, {
      headers: { 'X-Requested-With': 'fetch' },
      cache: 'no-store',
      signal: AbortSignal.timeout(ASK_EVERY_MS),
    });
    if (answer.ok && !answer.redirected)
      takeOver(new DOMParser().parseFromString(await answer.text(), 'text/html'));
  } catch {
    // Not to be reached at the moment; the page says of when it is.
  }
  clearTimeout(timer);
  timer = setTimeout(ask, ASK_EVERY_MS);
}

/**
 * Part by part, and only what has changed. Where the focus is, nothing moves: it is taken over the next time.
 * @param {Document} fresh
 */
function takeOver(fresh) {
  const worriesBefore = worriesIn(document);
  const [charts, freshCharts] = [document.getElementById('charts'), fresh.getElementById('charts')];
  if (charts && freshCharts && shapeOf(charts) !== shapeOf(freshCharts)) {
    if (!charts.contains(document.activeElement)) charts.replaceWith(freshCharts);
  }
  for (const part of fresh.querySelectorAll('[data-live]')) {
    const shown = document.getElementById(part.id);
    if (shown === null || shown.innerHTML === part.innerHTML || shown.contains(document.activeElement))
      continue;
    shown.replaceChildren(...part.childNodes);
  }
  const worries = worriesIn(document);
  if (spoken !== null && worries !== worriesBefore) spoken.textContent = worries;
}

/** Which charts there are: those without figures are folded. @param {Element} charts */
const shapeOf = (charts) => charts.getAttribute('data-live-shape');

/** @param {Document} page */
function worriesIn(page) {
  return (page.getElementById('worries')?.textContent ?? '').replace(/\s+/g, ' ').trim();
}

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'visible') return;
  clearTimeout(timer);
  timer = setTimeout(ask, Math.max(0, askedAt + ASK_EVERY_MS - Date.now()));
});
