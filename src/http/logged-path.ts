import type { Request } from 'express';
import { policyOf } from './route-policy.ts';

/** The rest of such an address is enough to send signals: a log is no place for it (ASVS 14.2.1, 16.2.5). */
const WEBHOOK_ID = /(webhooks(?:\/|%2f|\\|%5c)).*$/is;
/** The rest of these lets a reader of the log set a password, make an account, or end a session. */
const LINK_TOKEN = /((?:auth[/\\](?:reset|email|device)|invitations)[/\\]).*$/is;
/** API keys and signing secrets that were put into an address by mistake. */
const SECRETS = /(cfw|cws)_[\w-]+/gi;
/** Possible secrets, wherever they stand: session ids and tokens are long and random, and names and UUIDs do not look so. */
const LONG_WORD = /[\w.~+=-]{22,}/g;
/** Line breaks, and what turns writing around: a log's reader is not to be fooled. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}]/gu;

const LONGEST = 300;

/** The path of a request as it may stand in a log: of one that is relayed, what its policy says. */
export const loggedPathOf = (req: Request): string => policyOf(req).relayedAs ?? loggedPath(req.path);

/**
 * A path as it may stand in a log: ids of webhooks, tokens and secrets are left out, however the path was spelled. Of a
 * very long one, the beginning.
 */
export function loggedPath(path: string): string {
  const shown = path.includes('%') ? decodedWhereNeeded(path) : withoutSecrets(path);
  const printable = shown.replace(UNPRINTABLE, '?');
  return printable.length > LONGEST ? `${printable.slice(0, LONGEST)}…` : printable;
}

function decodedWhereNeeded(path: string): string {
  const plain = withoutSecrets(decoded(path));
  return plain === decoded(path) ? path : plain;
}

function withoutSecrets(path: string): string {
  return path
    .replace(WEBHOOK_ID, '$1…')
    .replace(LINK_TOKEN, '$1…')
    .replace(SECRETS, '$1_…')
    .replace(LONG_WORD, (word) => (looksRandom(word) ? '…' : word));
}

const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i;

/** Base64 of 128 bits or more has small letters, capitals and digits in it nearly always, hexadecimal of 128 bits 32 digits. */
function looksRandom(word: string): boolean {
  if (UUID.test(word)) return false;
  return (/[a-z]/.test(word) && /[A-Z]/.test(word) && /\d/.test(word)) || /[\da-f]{32}/i.test(word);
}

/** As often as it may have been encoded; what cannot be read is left out, since it may be a secret. */
function decoded(path: string): string {
  try {
    let plain = path;
    for (let times = 0; times < 3 && plain.includes('%'); times += 1) plain = decodeURIComponent(plain);
    return plain;
  } catch {
    return path.replace(/%.*$/s, '…');
  }
}
