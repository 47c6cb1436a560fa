import { posix } from 'node:path';

/** How tools read the path of a request line, each in its own way. Written apart from what the gateway knows. */
const TOOLS: Readonly<Record<string, (target: string) => string>> = {
  'as it is': (target) => cutQuery(target),
  'URL parser of browsers': (target) => URL.parse(`http://tool${slashed(target)}`)?.pathname ?? target,
  'static files': (target) => posix.normalize(unescaped(cutQuery(target))),
  'decoding twice': (target) => posix.normalize(unescaped(unescaped(cutQuery(target)))),
  'decoding three times': (target) => posix.normalize(unescaped(unescaped(unescaped(cutQuery(target))))),
  'path parameters dropped, then decoded': (target) =>
    posix.normalize(unescaped(cutQuery(target).replaceAll(/;[^/]*/g, ''))),
  'decoded, then path parameters dropped': (target) =>
    posix.normalize(unescaped(cutQuery(target)).replaceAll(/;[^/]*/g, '')),
  'resolved before decoding': (target) => unescaped(posix.normalize(cutQuery(target))),
  'Windows paths': (target) =>
    posix.normalize(unescaped(cutQuery(target)).replaceAll('\\', '/')).replaceAll(/[. ]+(?=\/|$)/g, ''),
  'C strings': (target) => posix.normalize(unescaped(cutQuery(target)).replace(/\0.*$/s, '')),
  '%u escapes': (target) =>
    posix.normalize(
      unescaped(
        cutQuery(target).replaceAll(/%u([0-9a-f]{4})/gi, (_all, hex: string) =>
          String.fromCharCode(Number.parseInt(hex, 16)),
        ),
      ),
    ),
  'overlong UTF-8': (target) =>
    posix.normalize(
      unescaped(
        cutQuery(target)
          .replaceAll(/%c0%ae/gi, '.')
          .replaceAll(/%c0%af/gi, '/')
          .replaceAll(/%c1%9c/gi, '/'),
      ),
    ),
  'compatible letters': (target) => posix.normalize(unescaped(cutQuery(target)).normalize('NFKC')),
  'without white space': (target) => posix.normalize(unescaped(cutQuery(target)).replaceAll(/[\t\r\n]/g, '')),
  'decoded, then cut at a query': (target) => posix.normalize(cutQuery(unescaped(cutQuery(target)))),
};

/** Under which names a tool may open what was asked for, without regard to case. */
export function readAsTools(target: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(TOOLS).map(([name, read]) => [
      name,
      read(target)
        .toLowerCase()
        .replace(/^\/{2,}/, '/'),
    ]),
  );
}

const cutQuery = (target: string): string => target.replace(/[?#].*$/s, '');

const slashed = (target: string): string => (target.startsWith('/') ? target : `/${target}`);

/** Of bytes that are no UTF-8 each is a letter. */
function unescaped(text: string): string {
  const bytes = text.replaceAll(/%([0-9a-f]{2})/gi, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const decoded = Buffer.from(bytes, 'latin1').toString('utf8');
  return decoded.includes('\ufffd') ? bytes : decoded;
}
