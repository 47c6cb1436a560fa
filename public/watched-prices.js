import { istTimeOfDay } from './ist-text.js';
import { openPriceChannel } from './price-relay.js';

const ASK_EVERY_MS = 10_000;
const POINTS = 60;
const WIDTH = 100;
const HEIGHT = 24;
const RUPEES = new Intl.NumberFormat('en-IN', { minimumFractionDigits: 2, maximumFractionDigits: 4 });

/** @typedef {import('./price-relay.js').Price} Price */

const table = document.querySelector('[data-watched-prices]');
if (table !== null && 'BroadcastChannel' in window) keepFresh(table);

/** @param {Element} list */
function keepFresh(list) {
  const channel = openPriceChannel();
  /** @type {Map<string, (price: Price) => void>} */
  const rows = new Map();
  for (const row of list.querySelectorAll('[data-symbol]'))
    rows.set(row.getAttribute('data-symbol') ?? '', createRow(row));
  const ask = () => {
    if (document.visibilityState === 'visible') channel.postMessage({ want: [...rows.keys()] });
  };
  channel.addEventListener('message', ({ data }) => data.price && rows.get(data.price.symbol)?.(data.price));
  document.addEventListener('visibilitychange', ask);
  // The tab with the socket may be this one, and not have opened it yet.
  setTimeout(ask, 0);
  setTimeout(ask, 1_000);
  setInterval(ask, ASK_EVERY_MS);
}

/** @param {Element} row */
function createRow(row) {
  const [price, change, age] = ['price', 'change', 'age'].map((name) => row.querySelector(`[data-${name}]`));
  const line = row.querySelector('polyline');
  /** @type {number[]} */
  const seen = [];

  return (/** @type {Price} */ news) => {
    const before = seen.at(-1) ?? news.price;
    if (!news.stale) seen.push(news.price);
    if (seen.length > POINTS) seen.shift();
    row.classList.toggle('is-stale', news.stale);
    row.classList.toggle('is-up', news.price > before);
    row.classList.toggle('is-down', news.price < before);
    write(price, RUPEES.format(news.price));
    write(change, changeText(news));
    write(age, `${news.stale ? 'may be old, ' : ''}${istTimeOfDay(Date.parse(news.time))}`);
    line?.setAttribute('points', pointsOf(seen));
  };
}

/** @param {Price} news */
function changeText({ price, close }) {
  if (close === undefined || close <= 0) return '';
  const percent = ((price - close) / close) * 100;
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(2)} %`;
}

/** @param {readonly number[]} prices */
function pointsOf(prices) {
  const low = Math.min(...prices);
  const span = Math.max(...prices) - low || 1;
  const step = WIDTH / Math.max(10, prices.length - 1);
  return prices
    .map((price, index) => {
      const y = HEIGHT - 2 - ((price - low) / span) * (HEIGHT - 4);
      return `${(index * step).toFixed(1)},${y.toFixed(1)}`;
    })
    .join(' ');
}

/**
 * @param {Element | null | undefined} element
 * @param {string} text
 */
function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}
