const format = new Intl.DateTimeFormat('en-IN', {
  timeZone: 'Asia/Kolkata',
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

const monthNumber = new Intl.DateTimeFormat('en-IN', { timeZone: 'Asia/Kolkata', month: '2-digit' });

/**
 * An instant (milliseconds since the epoch) as the server writes it on this person's pages (formatIst in src/core/ist.ts):
 * `Fri 20 Nov 2026, 09:15:00 IST`, or with the date as `20/11/2026` or `2026-11-20`.
 * @param {number} instant
 */
export function istText(instant) {
  const { hour, minute, second } = partsOf(instant);
  return `${dateText(instant)}, ${hour}:${minute}:${second} IST`;
}

/** @param {number} instant */
function dateText(instant) {
  const { weekday, day = '', month, year } = partsOf(instant);
  const numbers = [day.padStart(2, '0'), monthNumber.format(instant), year];
  switch (document.documentElement.dataset['dateFormat']) {
    case 'iso':
      return numbers.reverse().join('-');
    case 'numbers':
      return numbers.join('/');
    default:
      return `${weekday} ${day} ${month} ${year}`;
  }
}

/**
 * Its time of day alone: `09:15 IST`, or `09:15:30 IST` where it is not a full minute.
 * @param {number} instant
 */
export function istTimeOfDay(instant) {
  const { hour, minute, second } = partsOf(instant);
  return `${hour}:${minute}${second === '00' ? '' : `:${second}`} IST`;
}

/**
 * @param {number} instant
 * @returns {Record<string, string>}
 */
function partsOf(instant) {
  return Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, value]));
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/**
 * `4 min ago`, as the server writes it (formatRelative in src/core/ist.ts); undefined from a day on.
 * @param {number} instant
 * @param {number} now
 */
export function relativeText(instant, now) {
  const distance = Math.abs(now - instant);
  if (distance >= DAY_MS) return undefined;
  if (distance < MINUTE_MS) return instant > now ? 'in less than a minute' : 'just now';
  const amount =
    distance < HOUR_MS ? `${Math.floor(distance / MINUTE_MS)} min` : `${Math.floor(distance / HOUR_MS)} h`;
  return instant > now ? `in ${amount}` : `${amount} ago`;
}

/**
 * Keeps the page's relative times true. From a day on the words of before stay: the date is on hover.
 * @param {number} now by the server's clock
 */
export function refreshRelativeTimes(now) {
  for (const time of document.querySelectorAll('time[data-relative]')) {
    const text = relativeText(Date.parse(time.getAttribute('datetime') ?? ''), now);
    if (text !== undefined && time.textContent !== text) time.textContent = text;
  }
}
