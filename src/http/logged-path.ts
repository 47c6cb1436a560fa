/** Whoever has the rest of such an address can send signals: a log is no place for it (ASVS 14.2.1, 16.2.5). */
const SECRET_PART = /(webhooks(?:\/|%2f|\\|%5c)).*$/is;

/** A path as it may stand in a log: the id of a webhook is left out, however the path was spelled. */
export function loggedPath(path: string): string {
  return path.replace(SECRET_PART, '$1…');
}
