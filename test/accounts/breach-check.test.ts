import { hash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createBreachCheck } from '../../src/accounts/breach-check.ts';
import { createCommonPasswords } from '../../src/accounts/common-passwords.ts';
import { createPasswordRules } from '../../src/accounts/password-rules.ts';

const STOLEN = 'tractor pelican moss';
const digest = hash('sha1', STOLEN, 'hex').toUpperCase();
const owner = { username: 'asha', email: 'asha@example.org' };

describe('the comparison with known breaches', () => {
  let service: Server;
  let url: string;
  let answer: (req: IncomingMessage, res: ServerResponse) => void;
  let asked: string[] = [];
  let warnings = 0;
  const log = {
    warn() {
      warnings += 1;
    },
  };

  beforeAll(async () => {
    service = createServer((req, res) => {
      asked.push(`${req.url} ${req.headers['add-padding']}`);
      answer(req, res);
    });
    service.listen(0, '127.0.0.1');
    await once(service, 'listening');
    url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/range`;
  });
  afterAll(() => {
    service.closeAllConnections();
    service.close();
  });
  beforeEach(() => {
    asked = [];
    warnings = 0;
    answer = (_req, res) =>
      res.end(`00000000000000000000000000000000000:3\r\n${digest.slice(5).toLowerCase()}:12\r\n`);
  });

  const check = (timeoutMs = 2_000) => createBreachCheck({ url, log, timeoutMs });

  it('asks by five characters of the hash, with padding, and tells nothing else', async () => {
    expect(await check()(STOLEN)).toBe(true);
    expect(asked).toEqual([`/range/${digest.slice(0, 5)} true`]);
    expect(await check()('lantern orchid moss')).toBe(false);
  });

  it('takes rows of padding for none', async () => {
    answer = (_req, res) => res.end(`${digest.slice(5)}:0`);
    expect(await check()(STOLEN)).toBe(false);
  });

  it.each<[string, (req: IncomingMessage, res: ServerResponse) => void]>([
    ['an error', (_req, res) => res.writeHead(503).end()],
    ['silence', () => undefined],
    ['another place', (_req, res) => res.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end()],
    ['an endless answer', (_req, res) => res.end(`${'A'.repeat(2 * 1024 * 1024)}`)],
    ['a broken connection', (req) => req.socket.destroy()],
  ])('keeps nobody from choosing a password when the service answers with %s', async (_what, how) => {
    answer = how;
    expect(await check(300)(STOLEN)).toBe(false);
    expect(warnings).toBe(1);
  });

  it('is the last of the rules: what is refused anyway is sent nowhere', async () => {
    const rules = createPasswordRules({ commonPasswords: createCommonPasswords(), isBreached: check() });
    expect(await rules.problemWith('password123', owner)).toContain('lists that guessers try first');
    expect(await rules.problemWith('ashaashaasha', owner)).toContain('asha');
    expect(asked).toEqual([]);
    expect(await rules.problemWith(STOLEN, owner)).toContain('stolen from another service');
    expect(await rules.problemWith('lantern orchid moss', owner)).toBeUndefined();
  });
});
