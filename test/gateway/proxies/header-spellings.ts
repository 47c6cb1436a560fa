/** Signs that HTTP allows in a header's name beside letters, digits and `-`; CGI, WSGI and PHP read them as `-`. */
const ALIASES = ['_', '.', '!', '#', '$', '%', '&', "'", '*', '+', '^', '`', '|', '~'];

/** The value that a client claims; no tool may see it under any name. */
export const CLAIMED = 'claimed-by-the-client';

const IDENTITY = [
  'Remote-User',
  'Remote-Groups',
  'Remote-Email',
  'X-Curfew-Session-Ends',
  'X-Curfew-Identity',
];

/** Header lines by which a client claims to be another user, each way by its name. */
export const SPELLINGS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(IDENTITY.map((name) => [name, [`${name}: ${CLAIMED}`]])),
  ...Object.fromEntries(
    ALIASES.map((sign) => [
      `${sign} for -`,
      IDENTITY.map((name) => `${name.replaceAll('-', sign)}: ${CLAIMED}`),
    ]),
  ),
  'one - of two': [
    `X-Curfew_Identity: ${CLAIMED}`,
    `X_Curfew-Identity: ${CLAIMED}`,
    `x-curfew_session-ends: ${CLAIMED}`,
  ],
  'small letters': IDENTITY.map((name) => `${name.toLowerCase()}: ${CLAIMED}`),
  'capital letters': IDENTITY.map((name) => `${name.toUpperCase()}: ${CLAIMED}`),
  'capital letters and _': IDENTITY.map((name) => `${name.toUpperCase().replaceAll('-', '_')}: ${CLAIMED}`),
  twice: [`Remote-User: ${CLAIMED}`, `Remote-User: ${CLAIMED}-again`],
  'in two spellings': [`Remote-User: ${CLAIMED}`, `Remote_User: ${CLAIMED}`],
  'first empty': ['Remote-User:', `Remote-User: ${CLAIMED}`],
  'a space before the colon': [`Remote-User : ${CLAIMED}`],
  'a tab before the colon': [`Remote-User\t: ${CLAIMED}`],
  'a space in front': [` Remote-User: ${CLAIMED}`],
  folded: ['Remote-User:', ` ${CLAIMED}`],
  'folded into another': ['X-Other: a', ` Remote-User: ${CLAIMED}`],
  'behind a bare line feed': [`X-Other: a\nRemote-User: ${CLAIMED}`],
  'behind a bare carriage return': [`X-Other: a\rRemote-User: ${CLAIMED}`],
  'with a null byte': [`Remote-User\0: ${CLAIMED}`],
  'with a letter beyond ASCII': [`Remote-User\u00a0: ${CLAIMED}`],
};

/** Headers of a connection, which a client names to have them taken out on the way. */
export const HOP_BY_HOP =
  'Remote-User, Remote-Groups, Remote-Email, X-Curfew-Session-Ends, X-Curfew-Identity, X-Forwarded-For, X-Forwarded-Uri, X-Forwarded-Host, X-Forwarded-Method, X-Original-URL, X-Original-Method';
