const ASK_EVERY_MS = 700;
const TIMEOUT_MS = 4_000;
/** A screen reader hears of each further quarter. */
const ANNOUNCED_PERCENT = 25;

const panel = document.querySelector('[data-import]');
const bar = document.querySelector('[data-import-bar]');
const text = document.querySelector('[data-import-text]');
const announcement = document.querySelector('[data-import-announcement]');
let announced = 0;

/** @param {{ percent: number, stageText: string }} progress */
function show({ percent, stageText }) {
  if (bar instanceof HTMLProgressElement) bar.value = percent;
  if (text) text.textContent = stageText;
  if (announcement === null || percent < announced + ANNOUNCED_PERCENT) return;
  announced = percent;
  announcement.textContent = `${percent} per cent`;
}

/** Reloads the page when the import has ended: the server says how. Whatever else goes wrong, the next try may not. */
async function ask() {
  try {
    const id = panel?.getAttribute('data-import') ?? '';
    const answer = await fetch(`/symbols/progress/${id}`, {
      headers: { Accept: 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (answer.ok) {
      const progress = await answer.json();
      if (!progress.running) return location.reload();
      show(progress);
    }
  } catch {
    if (text) text.textContent = 'The server does not answer. Trying again.';
  }
  setTimeout(ask, ASK_EVERY_MS);
}

setTimeout(ask, ASK_EVERY_MS);
