import { LEFT_OUT } from './backup-seal-store.ts';

/** Commands for an operator; no password is in them. */
export interface PostgresCommands {
  readonly dump: string;
  readonly restore: string;
}

/** Tables of live sessions and tokens: they come along empty. */
const EMPTY_IN_A_DUMP = [...LEFT_OUT, 'broker_tokens'];

/** pg_dump and pg_restore for the database at a URL. Passwords come from ~/.pgpass or PGPASSWORD. */
export function postgresCommands(url: string, file: string): PostgresCommands {
  const database = quote(withoutPassword(url));
  const without = EMPTY_IN_A_DUMP.map((table) => `--exclude-table-data=${table}`).join(' ');
  return {
    dump: `pg_dump --format=custom --no-owner --no-privileges ${without} --file=${quote(file)} --dbname=${database}`,
    restore: `pg_restore --clean --if-exists --no-owner --no-privileges --single-transaction --exit-on-error --dbname=${database} ${quote(file)}`,
  };
}

function withoutPassword(text: string): string {
  const url = new URL(text);
  url.password = '';
  url.searchParams.delete('password');
  return url.href;
}

/** For a POSIX shell. */
function quote(text: string): string {
  return /^[\w./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
