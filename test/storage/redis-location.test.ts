import { describe, expect, it } from 'vitest';
import { parseRedisLocation } from '../../src/storage/redis-location.ts';

describe('the address of a Redis', () => {
  it.each(['redis://127.0.0.1:6379', 'redis://cache', 'rediss://user:pw@cache:6380/2', 'redis://[::1]:6379'])(
    'is one server: %s',
    (url) => {
      expect(parseRedisLocation(url)).toEqual({ kind: 'single', url });
    },
  );

  it('is one server behind Sentinels', () => {
    expect(parseRedisLocation('redis+sentinel://:p%40ss@one:26379,two:26380, three/mymaster/3')).toEqual({
      kind: 'sentinel',
      sentinels: [
        { host: 'one', port: 26_379 },
        { host: 'two', port: 26_380 },
        { host: 'three', port: 26_379 },
      ],
      master: 'mymaster',
      password: 'p@ss',
      db: 3,
    });
    expect(parseRedisLocation('redis+sentinel://one/mymaster')).toMatchObject({ password: undefined, db: 0 });
  });

  it('is the nodes of a Cluster', () => {
    expect(parseRedisLocation('redis://one:7000, two:7001,rediss://three')).toEqual({
      kind: 'cluster',
      urls: ['redis://one:7000', 'redis://two:7001', 'rediss://three'],
    });
  });

  it.each([
    '',
    '127.0.0.1:6379',
    'http://cache',
    'redis://',
    'redis+sentinel://one:26379',
    'redis+sentinel://one:port/master',
    'redis+sentinel:///master',
    'redis+sentinel://:%E0%A4%A@one/master',
    'redis://one,http://two',
    ',',
  ])('is none: %j', (text) => {
    expect(parseRedisLocation(text)).toBeUndefined();
  });
});
