/** How much of a JSON text there is before anything of it is parsed. */
export interface JsonBounds {
  /** Lists and objects within each other. */
  readonly depth: number;
  /** Lists, objects and what stands between their commas, all together. */
  readonly values: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/**
 * Whether a text is within the bounds, told by its signs alone and up to the first that is too much: five megabytes of `[]`
 * would be more than two million objects. Says nothing about whether it is JSON.
 */
export function isWithinJsonBounds(text: string, { depth, values }: JsonBounds): boolean {
  let open = 0;
  let seen = 0;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text.charCodeAt(at);
    if (sign === QUOTE) {
      at = endOfString(text, at);
    } else if (OPENING.has(sign)) {
      open += 1;
      seen += 1;
    } else if (CLOSING.has(sign)) open -= 1;
    else if (sign === COMMA) seen += 1;
    if (open > depth || seen > values) return false;
  }
  return true;
}

/** Where the quotation mark stands that ends the string. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const sign = text.charCodeAt(at);
    if (sign === BACKSLASH) at += 1;
    else if (sign === QUOTE) return at;
  }
  return text.length;
}
