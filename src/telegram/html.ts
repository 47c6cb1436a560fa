/** Longer than any name that people give, and short enough for a message to hold many. */
const LONGEST = 200;

/**
 * Text for a message in Telegram's HTML (https://core.telegram.org/bots/api#html-style), where these three signs must be
 * written as entities. Clipped, so that no name makes a message too long.
 */
export function toHtml(text: string): string {
  const clipped = text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
  return clipped.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
