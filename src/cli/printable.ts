/**
 * Text that a terminal shows and does not obey: a User-Agent header may carry the bytes of an escape sequence. Controls,
 * invisible marks and what turns the direction of writing become `?`.
 */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, '?');
}
