import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addressWarnings, clockSetBackMs, warnOfOtherProcess } from '../../src/boot/start-warnings.ts';
import type { Log } from '../../src/core/log.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { createSettableClock } from '../support/settable-clock.ts';

describe('the addresses at a start', () => {
  const warnings = (host: string, baseUrl: string, trustProxy: readonly string[] = []) =>
    addressWarnings({ host, baseUrl, https: baseUrl.startsWith('https:'), trustProxy }).map(
      ({ what }) => what,
    );

  it.each([
    ['127.0.0.1', 'http://127.0.0.1:5000'],
    ['::1', 'http://localhost:5000'],
    ['0.0.0.0', 'https://curfew.example.com', ['10.0.0.1']],
  ])('are in order: %s with %s', (host, baseUrl, trustProxy: readonly string[] = []) => {
    expect(warnings(host, baseUrl, trustProxy)).toEqual([]);
  });

  it('are warned about without TLS on the network, and where BASE_URL is of this machine alone', () => {
    expect(warnings('0.0.0.0', 'http://192.168.1.5:5000')).toEqual([expect.stringContaining('unencrypted')]);
    expect(warnings('0.0.0.0', 'http://127.0.0.1:5000')).toEqual([
      expect.stringContaining('unencrypted'),
      expect.stringContaining('which only this machine can open'),
    ]);
    expect(warnings('127.0.0.1', 'https://curfew.example.com')).toEqual([
      expect.stringContaining('TRUST_PROXY is empty'),
    ]);
  });
});

describe('the clock at a start', () => {
  const clock = createSettableClock('2026-11-29T10:00:00+05:30');
  const rowsUntil = (at: number) => ({
    end: () => Promise.resolve({ lastRow: 7 } as never),
    find: (seq: number) => Promise.resolve(seq === 7 ? ({ at } as never) : undefined),
  });

  it('is told when it stands before the newest entry of the audit log, but for what nodes may differ', async () => {
    const DAY = 86_400_000;
    expect(await clockSetBackMs(rowsUntil(clock.now() + 3 * DAY), clock)).toBe(3 * DAY);
    expect(await clockSetBackMs(rowsUntil(clock.now() + 60_000), clock)).toBeUndefined();
    expect(await clockSetBackMs(rowsUntil(clock.now() - DAY), clock)).toBeUndefined();
  });
});

describe('a SQLite file that another process has open', () => {
  it('is told, and one that is free or not there is not', async () => {
    const directory = createScratchDirectory('other-process');
    const file = join(directory.path, 'curfew.db');
    const told: string[] = [];
    const log = { warn: (_facts: object, message: string) => void told.push(message) } as Log;
    const look = () => warnOfOtherProcess({ database: { dialect: 'sqlite', file } }, log);
    look();
    const database = await openDatabase({ dialect: 'sqlite', file });
    expect(told).toEqual([]);
    look();
    expect(told).toEqual([expect.stringContaining('Another server or command has this database open')]);
    await database.close();
    look();
    expect(told).toHaveLength(1);
    directory.remove();
  });
});
