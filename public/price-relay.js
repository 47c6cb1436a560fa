/** Tabs ask again well before this is over; what no tab asks for any more is unsubscribed. */
const WANTED_FOR_MS = 25_000;
const LOOK_EVERY_MS = 5_000;

/** With the close of the day before, for the change. */
const MODE = { subscribe: { mode: 'quote' }, unsubscribe: {} };

/** @typedef {{ symbol: string, price: number, close?: number, time: string, stale: boolean }} Price */
/** @typedef {{ want?: string[], price?: Price }} RelayMessage */

/** Between the tab that has the socket and those that show prices. */
export const openPriceChannel = () => new BroadcastChannel('curfew-prices');

/** Subscribes to what the tabs of this browser want, over the one socket that they share, and passes the prices on. */
export function createPriceRelay() {
  const channel = openPriceChannel();
  /** @type {Map<string, number>} until when */
  const wanted = new Map();
  /** @type {WebSocket | undefined} */
  let socket;
  let sent = 0;

  /**
   * A message for each symbol: one that the broker does not have must not keep the others from coming.
   * @param {'subscribe' | 'unsubscribe'} type
   * @param {string} symbol
   */
  function ask(type, symbol) {
    if (socket?.readyState !== WebSocket.OPEN) return;
    sent += 1;
    socket.send(JSON.stringify({ v: 1, type, id: `price-${sent}`, symbols: [symbol], ...MODE[type] }));
  }

  channel.addEventListener('message', ({ data }) => {
    for (const symbol of /** @type {RelayMessage} */ (data).want ?? []) {
      const isNew = !wanted.has(symbol);
      wanted.set(symbol, Date.now() + WANTED_FOR_MS);
      if (isNew) ask('subscribe', symbol);
    }
  });
  setInterval(() => {
    for (const [symbol, until] of wanted) {
      if (until > Date.now()) continue;
      wanted.delete(symbol);
      ask('unsubscribe', symbol);
    }
  }, LOOK_EVERY_MS);

  return {
    /** @param {WebSocket} opened */
    use(opened) {
      socket = opened;
      for (const symbol of wanted.keys()) ask('subscribe', symbol);
    },
    /** A broker was connected: what was refused before may be there now. */
    askAgain() {
      for (const symbol of wanted.keys()) ask('subscribe', symbol);
    },
    /** @param {Price} price */
    passOn: (price) => channel.postMessage({ price }),
  };
}
