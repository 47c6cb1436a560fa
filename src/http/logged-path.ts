/** Whoever has the rest of such an address can send signals: a log is no place for it (ASVS 14.2.1, 16.2.5). */
const WEBHOOK_ID = /(webhooks(?:\/|%2f|\\|%5c)).*$/is;
/** API keys and signing secrets that somebody put into an address by mistake. */
const SECRETS = /(cfw|cws)_[\w-]+/gi;

/** A path as it may stand in a log: ids of webhooks and secrets are left out, however the path was spelled. */
export function loggedPath(path: string): string {
  if (!path.includes('%')) return withoutSecrets(path);
  const plain = withoutSecrets(decoded(path));
  return plain === decoded(path) ? path : plain;
}

function withoutSecrets(path: string): string {
  return path.replace(WEBHOOK_ID, '$1…').replace(SECRETS, '$1_…');
}

/** As often as somebody may have encoded it; what cannot be read is left out, since nobody knows what it says. */
function decoded(path: string): string {
  try {
    let plain = path;
    for (let times = 0; times < 3 && plain.includes('%'); times += 1) plain = decodeURIComponent(plain);
    return plain;
  } catch {
    return path.replace(/%.*$/s, '…');
  }
}
