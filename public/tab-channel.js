/**
 * How the tabs of one browser tell each other that a session has ended, and pass on what one of them heard over its socket.
 * A tab that is told asks the server before it believes it.
 */
export function openTabChannel() {
  const channel = new BroadcastChannel('curfew-session');
  /** @param {(message: { ended?: true, reason?: string, event?: import('./live-socket.js').FeedEvent }) => void} listener */
  const listen = (listener) => channel.addEventListener('message', ({ data }) => listener(data));
  return {
    /** @param {string} [reason] as the server said it */
    tellOthers: (reason) => channel.postMessage({ ended: true, reason }),
    /** @param {import('./live-socket.js').FeedEvent} event */
    passOn: (event) => channel.postMessage({ event }),
    /** @param {(reason: string | undefined) => void} listener */
    onTold: (listener) => listen(({ ended, reason }) => ended && listener(reason)),
    /** @param {(event: import('./live-socket.js').FeedEvent) => void} listener */
    onEvent: (listener) => listen(({ event }) => event !== undefined && listener(event)),
  };
}
