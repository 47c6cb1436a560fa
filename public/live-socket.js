import { createPriceRelay } from './price-relay.js';

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** Opening another one is of no use while others of the same person are open. */
const OVER_LIMIT_MS = 5 * 60_000;

/**
 * Messages of the server, unasked; docs/websocket.md.
 * @typedef {{ event: string, time: string, minutes?: number, reason?: string, device?: string, broker?: string,
 *   subject?: string }} FeedEvent
 */

/**
 * Keeps one socket open for all tabs of this browser: the tab that holds the lock has it, and when that tab is closed the
 * next one does. Where there are no locks, tabs ask now and then, as they do anyway.
 * @param {{ onEvent: (event: FeedEvent) => void, onEnd: () => Promise<boolean> }} options `onEnd` is called whenever the
 *   socket was closed, and answers whether the session still lives.
 */
export function keepSocket({ onEvent, onEnd }) {
  let failures = 0;
  /** @type {ReturnType<typeof createPriceRelay> | undefined} */
  let relay;

  /** @returns {Promise<number>} how long to wait before the next one */
  function open() {
    const { promise, resolve } = Promise.withResolvers();
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/ws`);
    socket.addEventListener('open', () => {
      failures = 0;
      relay?.use(socket);
    });
    socket.addEventListener('message', ({ data }) => {
      const message = parse(data);
      if (message?.type === 'event') onEvent(message);
      if (message?.type === 'price') relay?.passOn(message);
      if (message?.event === 'broker_connected') relay?.askAgain();
    });
    socket.addEventListener('close', ({ code }) => {
      failures += 1;
      const backOff = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);
      resolve(code === 4409 ? OVER_LIMIT_MS : FIRST_RETRY_MS + Math.random() * backOff);
    });
    return promise;
  }

  async function keepOpen() {
    relay = createPriceRelay();
    for (;;) {
      const waitMs = await open();
      // Asked before it is opened anew: an ended session leads to the sign-in page.
      await onEnd();
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  void navigator.locks?.request('curfew-socket', keepOpen);
}

/** @param {unknown} data */
function parse(data) {
  try {
    return JSON.parse(String(data));
  } catch {
    return undefined;
  }
}
