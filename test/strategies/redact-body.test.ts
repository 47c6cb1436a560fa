import { describe, expect, it } from 'vitest';
import { redactBody } from '../../src/strategies/redact-body.ts';

const redact = (text: string): string => redactBody(Buffer.from(text));

describe('the text of a signal, for its strategy’s page', () => {
  it('stays as it came where nothing in it looks like a secret', () => {
    for (const text of ['{ "action":"buy",\n"symbol":"NSE:M&M" }', 'BUY NSE:SBIN 10', 'key level 100', ''])
      expect(redact(text)).toBe(text);
  });

  it.each([
    ['{"action":"buy","passphrase":"tango-7"}', '{"action":"buy","passphrase":"[hidden]"}'],
    ['{"auth":{"user":"a","pin":1234},"api_key":"k"}', '{"auth":"[hidden]","api_key":"[hidden]"}'],
    ['{"a":[{"token":"t"}],"secret":""}', '{"a":[{"token":"[hidden]"}],"secret":""}'],
    ['{"comment":"cfw_7Hq2xT9aBcD0_abc"}', '{"comment":"[hidden]"}'],
    ['BUY NSE:SBIN secret=tango-7', 'BUY NSE:SBIN secret=[hidden]'],
    ['{"password": "tango 7", broken', '{"password": [hidden], broken'],
    ['Authorization: Bearer abc.def', 'Authorization: [hidden]'],
    ['Authorization: Basic dXNlcjpwYXNz now', 'Authorization: [hidden] now'],
    ['{"note":"Bearer abc", "pin":4321}', '{"note":"[hidden]","pin":"[hidden]"}'],
    ['{"key":"s3cret","action":"buy",}', '{"key":[hidden],"action":"buy",}'],
    ['{"password":"a\\"b","action":"buy",}', '{"password":[hidden],"action":"buy",}'],
    ['{"token":"real","token":""}', '{"token":""}'],
    ['{"text":"buy secret=hunter2"}', '{"text":"buy secret=[hidden]"}'],
    ['{"message":"{\\"secret\\":\\"x\\"}"}', '{"message":"{\\"secret\\":[hidden]}"}'],
    ['say {\\"secret\\":\\"x y\\"}', 'say {\\"secret\\":[hidden]}'],
    ["buy pass='two words' now", 'buy pass=[hidden] now'],
    ['buy pwd=tango pin: 4321', 'buy pwd=[hidden] pin: [hidden]'],
  ])('hides the secret in %s', (text, shown) => {
    expect(redact(text)).toBe(shown);
  });

  it('is cut, says how long it was, and takes no time whatever it is', () => {
    const startedAt = performance.now();
    expect(redact('x'.repeat(16_000))).toBe(`${'x'.repeat(2_000)}… (16000 bytes)`);
    for (const nasty of ['"pass'.repeat(3_000), 'pass-'.repeat(3_000), 'secret'.repeat(2_500)]) {
      redact(nasty);
      redact(JSON.stringify({ nasty, list: nasty.match(/.{1,20}/g) }));
    }
    expect(performance.now() - startedAt).toBeLessThan(500);
  });

  it('is named by its size where it is no text, and has no NUL, which Postgres would refuse', () => {
    expect(redactBody(Buffer.from([0xff, 0xfe, 0x00]))).toBe('(3 bytes that are not text in UTF-8)');
    expect(redact('a\0b')).toBe('a\uFFFDb');
  });
});
