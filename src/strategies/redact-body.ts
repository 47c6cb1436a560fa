/** Most characters of a received text that a page shows and the database keeps. */
const MOST_KEPT = 2_000;
/** Of a text: looked through for secrets, which takes time; what lies behind is cut off anyway. */
const MOST_READ = MOST_KEPT + 100;

const HIDDEN = '[hidden]';

/** Names whose value is likely a secret that a sender put beside the signal. */
const SECRET_NAME = /pass|pwd|secret|token|api.?key|^key$|auth|signature|credential|cookie|otp|^pin$/i;

/** `secret=…`, `"token": "…"` in a text, JSON in JSON included. Bounded repetitions, so that no text takes long. */
const SECRET_PAIR =
  /((?:[\w-]{0,40}(?:pass|pwd|secret|token|api.?key|auth|signature|credential|cookie|otp)[\w-]{0,40}|\b(?:key|pin)\b)\\?["']?\s{0,3}[=:]\s{0,3})(\\"[^"]*"?|"(?:[^"\\]|\\.)*"?|'[^']*'?|(?:basic|bearer)\s+\S+|\S+)/gi;
const API_KEY = /\bcfw_\w+/g;
const BEARER = /\bbearer\s+[^\s"',;}\]]+/gi;

/**
 * A received body for its strategy's page: as it came, but for what looks like a secret, and cut. JSON that holds none keeps
 * its layout; where something is hidden, it is written anew.
 */
export function redactBody(body: Buffer): string {
  const text = decode(body);
  if (text === undefined) return `(${body.length} bytes that are not text in UTF-8)`;
  const known = text.replaceAll(API_KEY, HIDDEN).replaceAll(BEARER, HIDDEN);
  const redacted = redactJson(known) ?? redactText(known);
  return redacted.length > MOST_KEPT ? `${redacted.slice(0, MOST_KEPT)}… (${body.length} bytes)` : redacted;
}

function decode(body: Buffer): string | undefined {
  try {
    // Postgres keeps no NUL in a text.
    return new TextDecoder('utf-8', { fatal: true }).decode(body).replaceAll('\0', '\uFFFD');
  } catch {
    return undefined;
  }
}

const redactText = (text: string): string => text.slice(0, MOST_READ).replaceAll(SECRET_PAIR, `$1${HIDDEN}`);

const redactValue = (value: unknown): unknown => (typeof value === 'string' ? redactText(value) : value);

/** Undefined for what is no JSON object. */
function redactJson(text: string): string | undefined {
  let hidden = false;
  try {
    const value: unknown = JSON.parse(text, (name, each: unknown) => {
      const shown = SECRET_NAME.test(name) && each !== null && each !== '' ? HIDDEN : redactValue(each);
      hidden ||= shown !== each;
      return shown;
    });
    if (typeof value !== 'object' || value === null) return undefined;
    // Of a name that comes twice only the last value is read; written anew, the text has no other.
    hidden ||= redactText(text) !== text.slice(0, MOST_READ);
    return hidden ? JSON.stringify(value, undefined, text.includes('\n') ? 2 : 0) : text;
  } catch {
    return undefined;
  }
}
