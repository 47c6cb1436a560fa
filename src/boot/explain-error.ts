import { ConfigError } from '../config.ts';
import { EnvFileError } from './env-file.ts';

/** An error of a start or a command in words for the person at the terminal, without a stack trace. */
export function explainError(error: unknown): string {
  if (error instanceof ConfigError || error instanceof EnvFileError) return error.message;
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return SENTENCES[code ?? '']?.(error) ?? withCause(error);
}

const fileOf = ({ path }: NodeJS.ErrnoException): string => path ?? 'The database file';

type Sentence = (error: NodeJS.ErrnoException) => string;

const busy: Sentence = () =>
  'The database is busy: another process has been writing to it for more than a second. Try again in a moment; what is done already stays done.';
const unreachable: Sentence = (error) =>
  `The database (DATABASE_URL) does not answer: ${describe(error)}. Start it, or mend the address in .env.`;
const notPermitted: Sentence = (error) =>
  `${error.path ?? 'A file'} may not be used by this user: give it to the user that runs Curfew, or run as that user.`;

/** By the codes of SQLite, Postgres and the operating system. */
const SENTENCES: Readonly<Record<string, Sentence>> = {
  SQLITE_BUSY: busy,
  SQLITE_BUSY_SNAPSHOT: busy,
  SQLITE_BUSY_RECOVERY: busy,
  SQLITE_CANTOPEN: (error) =>
    `${fileOf(error)} cannot be opened: see whether its folder is there (DATABASE_URL) and this user may use it.`,
  SQLITE_READONLY: (error) =>
    `${fileOf(error)} may not be written by this user: give it to the user that runs Curfew, or run as that user.`,
  SQLITE_FULL: () => 'The disk with the database is full: make room on it and try again.',
  SQLITE_CORRUPT: (error) => `${fileOf(error)} is damaged: stop Curfew and restore a copy of it.`,
  SQLITE_NOTADB: (error) =>
    `${fileOf(error)} is no SQLite database: see whether DATABASE_URL names the right file.`,
  EEXIST: (error) =>
    `${error.path ?? 'Something'} is in the way: where a folder belongs stands a file, or the other way round.`,
  ENOTDIR: (error) => `${error.path ?? 'A part of the path'} is no folder.`,
  EISDIR: (error) => `${error.path ?? '.env or the database'} is a folder, where a file belongs.`,
  ENOSPC: () => 'The disk is full: make room on it and try again.',
  EADDRINUSE: (error) => `${error.message}. Another program uses this port: stop it, or set PORT in .env.`,
  EADDRNOTAVAIL: (error) => `${error.message}. This machine does not have the address in HOST.`,
  ECONNREFUSED: unreachable,
  ECONNRESET: unreachable,
  ENOTFOUND: unreachable,
  EAI_AGAIN: unreachable,
  EHOSTUNREACH: unreachable,
  ETIMEDOUT: unreachable,
  '28P01': (error) => `The database refuses the sign-in: ${error.message}. Mend DATABASE_URL in .env.`,
  '28000': (error) => `The database refuses the sign-in: ${error.message}. Mend DATABASE_URL in .env.`,
  '3D000': (error) => `The database is not there: ${error.message}. Create it, or mend DATABASE_URL in .env.`,
  EACCES: notPermitted,
  EPERM: notPermitted,
};

function withCause(error: Error): string {
  const { cause } = error;
  return cause instanceof Error ? `${describe(error)} (${describe(cause)})` : describe(error);
}

/** Several addresses tried in vain make an error without words of its own. */
function describe(error: Error): string {
  if (error instanceof AggregateError && error.message === '')
    return error.errors
      .map((each: unknown) => (each instanceof Error ? each.message : String(each)))
      .join(', ');
  return error.message || error.name;
}
