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
