import { describe, expect, it } from 'vitest';
import { loggedPath } from '../../src/http/logged-path.ts';

const ID = 'cpz5-Q0tcWIISbr4tUCA9_hwoIsFdySg';

describe('A path in the log', () => {
  it.each([
    `/api/v1/webhooks/${ID}`,
    `/api/v1/webhooks/${ID}/`,
    `/api/v1/webhooks//${ID}`,
    `/API/V1/Webhooks/${ID}`,
    `/api/v1/webhooks%2F${ID}`,
    `/api/v1/webhooks%2f${ID}`,
    `/api/v1/webhooks\\${ID}`,
    `/api/v1/webhook%73/${ID}`,
    `/api/v1/webhooks%252f${ID}`,
    `/elsewhere/webhooks/${ID}\n${ID}`,
  ])('leaves out the id of a webhook, as in %j', (path) => {
    expect(loggedPath(path)).not.toContain(ID);
    expect(loggedPath(path).toLowerCase()).toContain('webhooks');
  });

  it.each([`/api/v1/cfw_${ID}`, `/api/v1/symbols/NSE/cfw_${ID}`, `/x/%63fw_${ID}`, `/x/cws_${ID}/%zz`])(
    'leaves out keys and secrets, as in %j',
    (path) => {
      expect(loggedPath(path)).not.toContain(ID);
    },
  );

  it.each([`/auth/reset/${ID}`, `/auth/reset/short`, `/auth/%72eset/${ID}`, `/auth/reset%2F${ID}`])(
    'leaves out what sets a password, as in %j',
    (path) => {
      expect(loggedPath(path)).toBe('/auth/reset/…');
    },
  );

  it.each([
    `/x/${ID}`,
    `/sessions/v.1f.1764.${ID}/y`,
    '/x/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.SflKxwRJSMeKKF2QT4/y',
    '/x/9b74c9897bac770ffc029102a200c5de',
    `/x/%63${ID}`,
  ])('leaves out what looks like a token, wherever it stands, as in %j', (path) => {
    expect(loggedPath(path)).toMatch(/^\/(?:x|sessions)\/…(?:\/y)?$/);
  });

  it('has nothing in it that fools who reads it, and is not longer than a line', () => {
    expect(loggedPath('/a/b%0Aspoofed')).toBe('/a/b%0Aspoofed');
    expect(loggedPath(`/a%0a\u202e/x/cfw_${ID}`)).toBe('/a??/x/cfw_…');
    expect(loggedPath(`/%00/cfw_${ID}`)).toBe('/?/cfw_…');
    expect(loggedPath(`/${'a/'.repeat(5000)}`)).toHaveLength(301);
  });

  it('is otherwise as it was', () => {
    for (const path of [
      ...['/', '/strategies/1/webhook', '/api/v1/signals', '/api/v1/webhooks', '/a%20b', '/auth/reset'],
      '/strategies/0b5b3a58-1111-4222-8333-9f9f9f9f9f9f/edit',
      '/api/v1/symbols/NFO/BANKNIFTY26NOV2457000CE',
      '/a-page-whose-name-is-long-and-has-words-in-it',
    ])
      expect(loggedPath(path)).toBe(path);
  });
});
