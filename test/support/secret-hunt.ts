import { Buffer } from 'node:buffer';
import { Redis } from 'ioredis';
import { sql } from 'kysely';
import type { Database } from '../../src/storage/database.ts';

/** Where a secret was found. */
export interface Find {
  /** What it is: `the password of the setup form`. */
  readonly secret: string;
  /** `a log line`, `users.email`. */
  readonly place: string;
}

/** Secrets that went through a server, and the search for them in what it keeps. */
export interface SecretHunt {
  /** A secret that nobody else has, with small letters, capitals and digits as real ones have; remembered by its name. */
  marker(name: string): string;
  /** One that somebody else has made. Not to be found but in these columns, if there are any. */
  add(name: string, value: string, columns?: readonly string[]): void;
  readonly size: number;
  inText(text: string, place: string): readonly Find[];
  /** Every row of every table that the database has. */
  inDatabase(database: Database): Promise<readonly Find[]>;
  /** Every key and value. */
  inRedis(url: string): Promise<readonly Find[]>;
}

const SHORTEST = 12;
/** What secrets are made of, in all their spellings; between two such words there is nothing to look at. */
const WORDS = /[^\w+/=%~.:-]+/;

export function createSecretHunt(): SecretHunt {
  const secrets = new Map<string, { readonly name: string; readonly columns: readonly string[] }>();
  let serial = 0;

  function find(text: string, place: string): readonly Find[] {
    const found: Find[] = [];
    // Thousands of secrets and half a megabyte of log, most of it said again and again.
    const words = [...new Set(text.split(WORDS))].join('\n');
    for (const [value, { name, columns }] of secrets)
      if (!columns.includes(place) && spellings(value).some((each) => words.includes(each)))
        found.push({ secret: name, place });
    return found;
  }

  return {
    marker(name) {
      serial += 1;
      const value = `Mk${serial}x${Buffer.from(`${name}${serial}secret`).toString('hex').slice(-16)}Zq7Vw`;
      secrets.set(value, { name, columns: [] });
      return value;
    },
    add(name, value, columns = []) {
      if (value.length < SHORTEST || WORDS.test(value))
        throw new Error(`${name} cannot be looked for: ${value}`);
      secrets.set(value, { name, columns });
    },
    get size() {
      return secrets.size;
    },
    inText: find,

    async inDatabase({ db }) {
      const found: Find[] = [];
      for (const { name } of await db.introspection.getTables({ withInternalKyselyTables: true })) {
        const { rows } = await sql<
          Readonly<Record<string, unknown>>
        >`select * from ${sql.table(name)}`.execute(db);
        const columns = new Map<string, string[]>();
        for (const row of rows)
          for (const [column, value] of Object.entries(row))
            if (value !== null) columns.set(column, [...(columns.get(column) ?? []), toText(value)]);
        for (const [column, values] of columns) found.push(...find(values.join('\n'), `${name}.${column}`));
      }
      return found;
    },

    async inRedis(url) {
      const redis = new Redis(url);
      try {
        const found: Find[] = [];
        for (const key of await redis.keys('*'))
          found.push(
            ...find(`${key}\n${await readKey(redis, key)}`, `Redis ${key.split(':').slice(0, 2).join(':')}`),
          );
        return found;
      } finally {
        redis.disconnect();
      }
    },
  };
}

/** As it is, and as it looks in addresses, in base64 and in hexadecimal digits. */
function spellings(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  return [...new Set([value, encodeURIComponent(value), bytes.toString('base64url'), bytes.toString('hex')])];
}

function toText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : JSON.stringify(value);
}

async function readKey(redis: Redis, key: string): Promise<string> {
  const type = await redis.type(key);
  switch (type) {
    case 'string':
      return (await redis.get(key)) ?? '';
    case 'hash':
      return JSON.stringify(await redis.hgetall(key));
    case 'zset':
      return JSON.stringify(await redis.zrange(key, '0', '-1', 'WITHSCORES'));
    case 'set':
      return JSON.stringify(await redis.smembers(key));
    case 'list':
      return JSON.stringify(await redis.lrange(key, 0, -1));
    case 'none':
      return '';
    default:
      throw new Error(`Nobody has taught this test to read a ${type}`);
  }
}
