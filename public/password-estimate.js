/** Of each kind of character, how many there are to choose from. */
const KINDS = [
  { pattern: /[a-z]/, size: 26 },
  { pattern: /[A-Z]/, size: 26 },
  { pattern: /\d/, size: 10 },
  { pattern: /[ -/:-@[-`{-~]/, size: 33 },
  { pattern: /[^ -~]/, size: 100 },
];
/** The first guesses: years, keys beside each other, numbers in a row, and words that are in each list. */
const COMMON =
  /(?:19|20)\d\d|qwerty?|asdf|zxcv|password|passwort|admin|welcome|letmein|iloveyou|india|trading|curfew/gi;

/**
 * A modest estimate of how many bits a guesser needs, which never leaves the browser: the length by the kinds of characters, where what
 * repeats, counts up or down, is known of the person or stands in each list counts as one character.
 * @param {string} password
 * @param {readonly string[]} known Words such as the username.
 */
export function estimateBits(password, known = []) {
  let rest = password.replace(COMMON, 'x');
  for (const word of known.filter((each) => each.length > 2))
    rest = rest.toLowerCase().includes(word.toLowerCase())
      ? rest.toLowerCase().replaceAll(word.toLowerCase(), 'x')
      : rest;
  const characters = [...rest];
  const telling = characters.filter((character, index) => {
    const before = characters[index - 1];
    if (before === undefined) return true;
    return Math.abs((character.codePointAt(0) ?? 0) - (before.codePointAt(0) ?? 0)) > 1;
  });
  const choices = KINDS.reduce((sum, { pattern, size }) => sum + (pattern.test(password) ? size : 0), 0);
  return telling.length * Math.log2(Math.max(choices, 2));
}

/** @param {number} bits @returns {'weak' | 'fair' | 'strong'} */
export function strengthOf(bits) {
  if (bits < 45) return 'weak';
  return bits < 65 ? 'fair' : 'strong';
}
