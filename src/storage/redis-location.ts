export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

/** Which Redis: one server, one behind Sentinels, or a Cluster. */
export type RedisLocation =
  | { readonly kind: 'single'; readonly url: string }
  | {
      readonly kind: 'sentinel';
      readonly sentinels: readonly RedisNode[];
      readonly master: string;
      readonly password: string | undefined;
      readonly db: number;
    }
  | { readonly kind: 'cluster'; readonly urls: readonly string[] };

/**
 * Reads `redis://…`, `rediss://…`, `redis+sentinel://[:password@]host:26379,host2:26379/master-name[/db]`, or a comma
 * list of redis(s):// addresses (or bare host:port) of a Cluster's nodes. Undefined for anything else.
 */
export function parseRedisLocation(text: string): RedisLocation | undefined {
  if (text.startsWith('redis+sentinel://')) return parseSentinel(text);
  if (text.includes(',')) return parseCluster(text);
  return isRedisUrl(text) && unreadPart(text) === undefined ? { kind: 'single', url: text } : undefined;
}

/** The problem with an address that `parseRedisLocation` does not take, without the secrets in it. */
export function problemOfRedisUrl(text: string): string {
  const urls = text.includes(',') ? clusterUrls(text) : [text];
  const unread = urls.every(isRedisUrl) ? urls.map(unreadPart).find((part) => part !== undefined) : undefined;
  if (unread !== undefined) return `has ${unread}`;
  return urls.length > 1 && urls.every(isRedisUrl)
    ? 'names a database other than 0, and a Cluster has no other'
    : 'is not redis://, rediss://, redis+sentinel:// or a comma list of cluster nodes';
}

function isRedisUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && ['redis:', 'rediss:'].includes(url.protocol) && url.hostname !== '';
}

/** The part of an address that would be ignored or misread. The family of addresses is all that is read behind the question mark. */
function unreadPart(text: string): string | undefined {
  const url = new URL(text);
  if (!/^(?:\/\d{0,4})?$/.test(url.pathname))
    return 'something behind the host that is no number of a database, as /1 is';
  if ([...url.searchParams.keys()].some((name) => name !== 'family'))
    return 'options behind the ? that are not read';
  return url.hash === '' ? undefined : 'a # in it, behind which nothing is read; in a password write %23';
}

function parseSentinel(text: string): RedisLocation | undefined {
  const match = /^redis\+sentinel:\/\/(?::([^@]*)@)?([^/]+)\/([^/]+)(?:\/(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const [, encodedPassword, hosts = '', master = '', db = '0'] = match;
  const password = decode(encodedPassword ?? '');
  if (password === undefined) return undefined;
  const sentinels = hosts.split(',').map(parseNode);
  if (!sentinels.every((node) => node !== undefined)) return undefined;
  return {
    kind: 'sentinel',
    sentinels,
    master,
    password: password === '' ? undefined : password,
    db: Number(db),
  };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function parseNode(text: string): RedisNode | undefined {
  const match = /^([A-Za-z0-9.-]+)(?::(\d{1,5}))?$/.exec(text.trim());
  return match === null ? undefined : { host: match[1] ?? '', port: Number(match[2] ?? 26_379) };
}

function parseCluster(text: string): RedisLocation | undefined {
  const urls = clusterUrls(text);
  const isRead = (url: string): boolean =>
    isRedisUrl(url) && unreadPart(url) === undefined && /^\/?0?$/.test(new URL(url).pathname);
  return urls.length > 0 && urls.every(isRead) ? { kind: 'cluster', urls } : undefined;
}

const clusterUrls = (text: string): readonly string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => (part.includes('://') ? part : `redis://${part}`));
