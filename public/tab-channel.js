/** How the tabs of one browser tell each other to ask whether the session still lives. Says nothing else. */
export function openTabChannel() {
  const channel = new BroadcastChannel('curfew-session');
  return {
    tellOthers: () => channel.postMessage('ask'),
    /** @param {() => void} listener */
    onTold: (listener) => channel.addEventListener('message', () => listener()),
  };
}
