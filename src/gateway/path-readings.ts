/** More ways to read one path than any honest one has. */
const MOST_READINGS = 64;

/** Nothing in it that two readers could take for different things. */
const PLAIN = /^(?:\/(?!\.{1,2}(?:\/|$))[\w~!$&'()*+,=:@-]+(?:\.[\w~!$&'()*+,=:@-]+)*)*\/?$/;

/**
 * All ways in which a proxy or a tool may read a path: as it was sent, decoded once or several times, with backslashes as
 * slashes, slashes merged, dot segments resolved, path parameters dropped, and cut where some readers stop. Undefined where
 * there are too many to be honest. Pairs that public lists of path confusion name: test/gateway/path-readings.test.ts.
 */
export function readingsOf(path: string): readonly string[] | undefined {
  if (PLAIN.test(path)) return [path];
  const readings = new Set([path]);
  // A Set hands out what is added while it is walked through.
  for (const reading of readings) {
    for (const read of READERS) readings.add(read(reading));
    if (readings.size > MOST_READINGS) return undefined;
  }
  return [...readings];
}

const READERS: readonly ((path: string) => string)[] = [
  decodeBytes,
  decodeText,
  (path) =>
    path.replace(/%u([0-9a-f]{4})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  // Two bytes for what needs one: lenient decoders of UTF-8 take them (CVE-2008-2938).
  (path) =>
    path.replaceAll('\u00c0\u00ae', '.').replaceAll('\u00c0\u00af', '/').replaceAll('\u00c1\u009c', '\\'),
  (path) => path.normalize('NFKC'),
  (path) => path.replaceAll('\\', '/'),
  (path) => path.replaceAll(/\/{2,}/g, '/'),
  resolveDots,
  (path) => path.replaceAll(/;[^/]*/g, ''),
  (path) => path.replaceAll(/[\t\r\n]/g, ''),
  // biome-ignore lint/suspicious/noControlCharactersInRegex: where readers in C stop, and where a query or fragment begins.
  (path) => path.replace(/[\u0000?#].*$/s, ''),
  // Windows drops them at the end of a name.
  (path) => path.replaceAll(/(?<=[^/. ])[. ]+(?=\/|$)/g, ''),
];

function decodeBytes(path: string): string {
  return path.replaceAll(/%([0-9a-f]{2})/gi, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function decodeText(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** RFC 3986, 5.2.4; above the root there is the root. */
function resolveDots(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
  }
  const last = segments.at(-1);
  const isFolder = (last === '.' || last === '..') && kept.length > 0;
  return `/${kept.join('/')}${isFolder ? '/' : ''}`;
}
