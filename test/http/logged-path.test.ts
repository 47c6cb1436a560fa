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

  it('is otherwise as it was', () => {
    for (const path of ['/', '/strategies/1/webhook', '/api/v1/signals', '/api/v1/webhooks', '/a%20b'])
      expect(loggedPath(path)).toBe(path);
  });
});
