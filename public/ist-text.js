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

/**
 * An instant (milliseconds since the epoch) as the server's pages write it: `Fri 20 Nov 2026, 09:15:00 IST`.
 * @param {number} instant
 */
export function istText(instant) {
  const { weekday, day, month, year, hour, minute, second } = partsOf(instant);
  return `${weekday} ${day} ${month} ${year}, ${hour}:${minute}:${second} IST`;
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
