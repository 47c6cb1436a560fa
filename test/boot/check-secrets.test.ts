import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkSecrets } from '../../src/boot/check-secrets.ts';
import { createLogger } from '../../src/boot/logger.ts';
import { systemClock } from '../../src/core/clock.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { startTestServer } from '../support/test-server.ts';

const OLD = 'a591a6d40bf420404a011733cfb7b190d62c65bf';
const NEW = 'c4ca4238a0b923820dcc509a6f75849b28c8e2f1';
const KEY = 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=';
const OTHER_KEY = 'ZwMrKGJ5ZzN0dDh4bXFwbDR2c3c5ZTFhdTcwaGtieWY=';

describe('the secrets at a start', () => {
  let database: Database;
  let logged: string;
  beforeEach(async () => {
    logged = '';
    database = await openDatabase({ dialect: 'sqlite', file: ':memory:' });
  });
  afterEach(() => database.close());

  function check(peppers: readonly string[], encryptionKeys = [KEY], production = true) {
    const log = createLogger('error', {
      write: (line) => {
        logged += line;
      },
    });
    return checkSecrets({ database, clock: systemClock }, { peppers, encryptionKeys, production }, log);
  }

  it('are accepted on a database without a check value, and again afterwards', async () => {
    expect(await check([OLD])).toEqual([]);
    expect(await check([OLD], [KEY.replace('=', '')])).toEqual([]);
    expect(logged).toBe('');
  });

  it('may be rotated: the newest counts once the server has started with it', async () => {
    await check([OLD]);
    expect(await check([NEW, OLD])).toEqual([]);
    expect(await check([NEW])).toEqual([]);
    await expect(check([OLD])).rejects.toThrow('PEPPER is not the one');
  });

  it('are refused in production when another value stands there, each by name and with what to do', async () => {
    await check([OLD]);
    await expect(check([NEW], [OTHER_KEY])).rejects.toThrow(
      /^PEPPER is not .* npx curfew keys accept\nENCRYPTION_KEY is not .* npx curfew keys accept$/,
    );
    expect(await check([OLD])).toEqual([]);
  });

  it('are said in the log elsewhere, at each start, and never taken for the right ones by that', async () => {
    await check([OLD]);
    expect(await check([NEW], [KEY], false)).toEqual(['PEPPER']);
    expect(logged).toContain('PEPPER is not the one that this database was used with');
    expect(logged).not.toContain(NEW);
    expect(await check([NEW], [KEY], false)).toEqual(['PEPPER']);
  });
});

describe('a server whose PEPPER is not that of its database', () => {
  it('is not ready, and bans no address for API keys that it cannot check', async () => {
    const env = { TRUST_PROXY: '127.0.0.1' };
    const changed = await startTestServer({ changedSecrets: ['PEPPER'], env });
    const usual = await startTestServer({ env });
    try {
      const guess = ({ origin }: { readonly origin: string }) =>
        fetch(`${origin}/api/v1/session`, {
          headers: { 'X-API-Key': 'cfw_guessed', 'X-Forwarded-For': '203.0.113.9' },
        });
      for (let attempt = 0; attempt < 12; attempt += 1) {
        await guess(changed);
        await guess(usual);
      }
      expect((await guess(usual)).status).toBe(403);
      expect((await guess(changed)).status).toBe(401);
      const ready = await fetch(`${changed.origin}/readyz`);
      expect(ready.status).toBe(503);
      expect(await ready.json()).toMatchObject({ checks: { database: 'ok', secrets: 'failing' } });
    } finally {
      await changed.close();
      await usual.close();
    }
  });
});
