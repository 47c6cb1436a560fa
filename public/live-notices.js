import { istTimeOfDay } from './ist-text.js';

const MOST_NOTICES = 3;

/** @typedef {import('./live-socket.js').FeedEvent} FeedEvent */
/** @typedef {{ text: string, link: string, href: string, isUrgent?: boolean }} Notice */

/** Shows what the server said of this account, until it is dismissed; undefined on pages of signed-out visitors. */
export function findLiveNotices() {
  const list = document.querySelector('[data-live-notices]');
  if (!(list instanceof HTMLElement)) return undefined;
  return {
    /** @param {FeedEvent} event */
    show(event) {
      const notice = noticeOf(event);
      if (notice === undefined) return;
      // The latest of a kind takes the place of the one before.
      for (const shown of list.querySelectorAll(`[data-event="${CSS.escape(event.event)}"]`)) shown.remove();
      list.append(toElement(event, notice));
      while (list.children.length > MOST_NOTICES) list.firstElementChild?.remove();
    },
  };
}

/**
 * @param {FeedEvent} event
 * @returns {Notice | undefined}
 */
export function noticeOf({ event, time, minutes = 0, device = 'a browser', broker = '', subject = '' }) {
  switch (event) {
    case 'cutoff_soon': {
      const at = istTimeOfDay(Date.parse(time) + minutes * 60_000);
      return {
        text: `Your session ends in ${minutes} minutes, at ${at}.`,
        link: 'See what ends',
        href: '/dashboard#what-ends',
        isUrgent: true,
      };
    }
    case 'new_device':
      return { text: `New device signed in: ${device}.`, link: 'Devices', href: '/sessions', isUrgent: true };
    case 'session_ended':
      return { text: 'A session on another device ended.', link: 'Devices', href: '/sessions' };
    case 'broker_connected':
      return { text: `Broker connected: ${nameOf(broker)}.`, link: 'Brokers', href: '/broker' };
    case 'broker_lost':
      return { text: `Broker disconnected: ${nameOf(broker)}.`, link: 'Brokers', href: '/broker' };
    case 'broker_rejected':
      return {
        text: `${nameOf(broker)} rejected its token. Connect again to go on trading.`,
        link: 'Brokers',
        href: '/broker',
        isUrgent: true,
      };
    case 'signal_received':
      return { text: 'Signal received.', link: 'Strategies', href: '/strategies' };
    case 'ban_added':
      return { text: `Address banned: ${subject}.`, link: 'Bans', href: '/security/bans' };
    default:
      return undefined;
  }
}

/** @param {string} broker */
const nameOf = (broker) => broker.charAt(0).toUpperCase() + broker.slice(1);

/**
 * @param {FeedEvent} event
 * @param {Notice} notice
 */
function toElement({ event, time }, { text, link, href, isUrgent = false }) {
  const item = document.createElement('p');
  item.className = 'live-notice';
  item.dataset['event'] = event;
  item.classList.toggle('is-urgent', isUrgent);
  const words = document.createElement('span');
  words.textContent = `${istTimeOfDay(Date.parse(time))}: ${text} `;
  const anchor = document.createElement('a');
  anchor.href = href;
  anchor.textContent = link;
  const dismiss = document.createElement('button');
  dismiss.type = 'button';
  dismiss.className = 'button button-quiet';
  dismiss.textContent = 'Dismiss';
  dismiss.addEventListener('click', () => item.remove());
  item.append(words, anchor, dismiss);
  return item;
}
