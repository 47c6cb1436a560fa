import { type RedisClient, viaRedis } from '../../storage/redis.ts';

/** A member of a sorted set, and its score. */
export type Scored = readonly [string, number];

/**
 * Reads a sorted set in portions, the lowest score first. By score and not by position: members leave while somebody
 * reads, the others move up, and whoever counts positions passes over them. Whoever stays where they are comes once;
 * whoever gets a higher score meanwhile may come again.
 */
export async function* readByScore(
  redis: RedisClient,
  key: string,
  portion: number,
): AsyncIterable<readonly Scored[]> {
  let from = '-inf';
  /** Those of the score `from` that were read before: many may have the same. */
  let read = new Set<string>();
  for (;;) {
    const flat = await viaRedis(() =>
      redis.zrangebyscore(key, from, '+inf', 'WITHSCORES', 'LIMIT', 0, portion + read.size),
    );
    const fresh = toPairs(flat).filter(([member]) => !read.has(member));
    const last = fresh.at(-1);
    if (last === undefined) return;
    yield fresh;
    if (from !== String(last[1])) read = new Set();
    from = String(last[1]);
    for (const [member, score] of fresh) if (score === last[1]) read.add(member);
  }
}

/** `[member, score, member, score, …]`, as Redis answers WITHSCORES. */
function toPairs(flat: readonly string[]): readonly Scored[] {
  return flat.flatMap((member, index) =>
    index % 2 === 0 ? [[member, Number(flat[index + 1])] as const] : [],
  );
}
