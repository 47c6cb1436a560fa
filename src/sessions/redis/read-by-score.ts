import { type RedisClient, viaRedis } from '../../storage/redis.ts';

/** A member of a sorted set, and its score. */
export type Scored = readonly [string, number];

/** How far a place may move between asking where it is and reading there, and still be found. */
const OVERLAP = 50;

/**
 * Reads a sorted set in batches, the lowest score first. By score and not by position: while one
 * reads, members leave, the others move up, and positions would pass over them. A member that keeps its score comes once;
 * one that gets a higher score meanwhile may come again.
 */
export async function* readByScore(
  redis: RedisClient,
  key: string,
  batch: number,
): AsyncIterable<readonly Scored[]> {
  let last: Scored | undefined;
  /** Those of the last score that were read before: many may have the same. */
  let read = new Set<string>();

  /** Members with the last score or a higher one. Reading past those that were read costs as much as they are many. */
  async function readFromScore(): Promise<readonly Scored[]> {
    const from = last === undefined ? '-inf' : String(last[1]);
    const flat = await viaRedis(() =>
      redis.zrangebyscore(key, from, '+inf', 'WITHSCORES', 'LIMIT', 0, batch + read.size),
    );
    return toPairs(flat).filter(([member]) => !read.has(member));
  }

  /** Members behind a member, which must still be found where it was a moment ago; undefined where it is not. */
  async function readBehind(member: string): Promise<readonly Scored[] | undefined> {
    const rank = await viaRedis(() => redis.zrank(key, member));
    if (rank === null) return undefined;
    const start = Math.max(0, rank - OVERLAP);
    const pairs = toPairs(await viaRedis(() => redis.zrange(key, start, String(rank + batch), 'WITHSCORES')));
    const place = pairs.findIndex(([each]) => each === member);
    return place < 0 ? undefined : pairs.slice(place + 1);
  }

  for (;;) {
    const behind = last !== undefined && read.size >= batch ? await readBehind(last[0]) : undefined;
    const fresh = behind ?? (await readFromScore());
    const newLast = fresh.at(-1);
    if (newLast === undefined) return;
    yield fresh;
    if (last?.[1] !== newLast[1]) read = new Set();
    for (const [member, score] of fresh) if (score === newLast[1]) read.add(member);
    last = newLast;
  }
}

/** `[member, score, member, score, …]`, as Redis answers WITHSCORES. */
export function toPairs(flat: readonly string[]): readonly Scored[] {
  return flat.flatMap((member, index) =>
    index % 2 === 0 ? [[member, Number(flat[index + 1])] as const] : [],
  );
}
