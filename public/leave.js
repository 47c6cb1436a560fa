/**
 * Takes this tab to the sign-in page, for good: Back does not lead to what was shown. A tab that nobody looks at is
 * emptied and goes there when somebody does. Tabs that all went at once would each begin a session for their form,
 * and only the last form would be valid; and who has signed in again meanwhile is brought straight back.
 * @param {{ reason: string, returnTo: string }} why
 */
export function leave(why) {
  const go = () => location.replace(`/auth/login?${new URLSearchParams(why)}`);
  if (document.visibilityState === 'visible') return go();
  document.querySelector('main')?.replaceChildren();
  document.addEventListener('visibilitychange', go, { once: true });
}
