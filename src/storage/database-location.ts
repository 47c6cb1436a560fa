import type { DatabaseLocation } from './database.ts';

/** Options that pg takes from behind the question mark. Anything else it ignores without a word. */
const POSTGRES_OPTIONS = new Set([
  'application_name',
  'client_encoding',
  'fallback_application_name',
  'host',
  'options',
  'password',
  'port',
  'ssl',
  'sslcert',
  'sslkey',
  'sslmode',
  'sslrootcert',
  'user',
  'uselibpqcompat',
]);

/** Reads `sqlite:FILE` or `postgres://…`; undefined for anything else, and for what has a part that would be ignored. */
export function parseDatabaseLocation(text: string): DatabaseLocation | undefined {
  if (problemOf(text) !== undefined) return undefined;
  return text.startsWith(SQLITE)
    ? { dialect: 'sqlite', file: text.slice(SQLITE.length) }
    : { dialect: 'postgres', url: text };
}

/** The problem with an address that `parseDatabaseLocation` does not take, without the secrets in it. */
export const problemOfDatabaseUrl = (text: string): string => problemOf(text) ?? '';

const SQLITE = 'sqlite:';
const MEMORY = ':memory:';

function problemOf(text: string): string | undefined {
  if (text.startsWith(SQLITE) && text.length > SQLITE.length) return problemOfFile(text.slice(SQLITE.length));
  const url = /^postgres(ql)?:\/\//.test(text) ? URL.parse(text) : null;
  if (url === null) return 'is neither sqlite:FILE nor postgres://…';
  if (url.hash !== '') return 'has a # in it, behind which nothing is read; in a password write %23';
  const unread = [...url.searchParams.keys()].find((name) => !POSTGRES_OPTIONS.has(name));
  return unread === undefined
    ? undefined
    : `has an option behind the ? that is not read: ${unread.replace(/\W/g, '').slice(0, 40)}`;
}

/** Programs read sqlite:// and sqlite:/// as different files, so neither is guessed at. */
function problemOfFile(file: string): string | undefined {
  if (file === MEMORY) return undefined;
  if (file.startsWith('//')) {
    const name =
      file
        .replace(/[^\x20-\x7e]/g, '?')
        .replace(/^\/+/, '')
        .slice(0, 60) || 'data/curfew.db';
    return `begins with sqlite://, which programs read in different ways. Write sqlite:${name} for a file in Curfew's folder, or sqlite:/${name} for one at the root`;
  }
  if (/[?#]/.test(file)) return 'has a ? or # in it: a SQLite file takes no options';
  return file.startsWith('file:') ? 'is a file: address: write the path alone behind sqlite:' : undefined;
}
