import express, { type Express } from 'express';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { createDeviceCookies, type DeviceCookiesDeps } from '../../src/accounts/device-cookies.ts';
import { DAY_MS } from '../../src/core/duration.ts';

const SECRET = 'the first secret of at least thirty-two characters';
const NEWER = 'a newer secret of at least thirty-two characters';
const start = Date.UTC(2026, 10, 20);

/** Issues with POST /:user and says with GET /:user whether it recognises the browser. */
function createApp(deps: Partial<DeviceCookiesDeps> = {}): Express {
  const cookies = createDeviceCookies({
    secrets: [SECRET],
    secure: false,
    clock: { now: () => start },
    passwordSetAt: async () => 0,
    ...deps,
  });
  const app = express();
  app.post('/:user', (req, res) => {
    cookies.issue(res, req.params.user);
    res.end();
  });
  app.get('/:user', async (req, res) => {
    const since = req.query['since'];
    res.json(
      (await cookies.recognise(req, req.params.user, since === undefined ? undefined : Number(since))) ??
        null,
    );
  });
  return app;
}

async function issue(app = createApp(), user = 'asha'): Promise<string> {
  const { headers } = await request(app).post(`/${user}`);
  return headers['set-cookie']?.[0] ?? '';
}

async function recognise(app: Express, cookie: string, user = 'asha'): Promise<unknown> {
  const { body } = await request(app)
    .get(`/${user}`)
    .set('Cookie', cookie.replace(/; (Max-Age|Path).*/, ''));
  return body;
}

describe('the device cookie', () => {
  it('knows a device since a sign-in, and not from before one', async () => {
    const app = createApp();
    const cookie = (await issue(app)).replace(/; (Max-Age|Path).*/, '');
    const since = async (at: number) =>
      (await request(app).get('/asha').query({ since: at }).set('Cookie', cookie)).body;
    expect(await since(start)).toEqual(expect.any(String));
    expect(await since(start + 1)).toBeNull();
  });

  it('is kept for 180 days, out of reach of scripts and other sites', async () => {
    const cookie = await issue();
    expect(cookie).toMatch(/^curfew-device=[\w-]{24}\.\d{13}\.[\w-]{43};/);
    for (const attribute of ['Max-Age=15552000', 'Path=/', 'HttpOnly', 'SameSite=Lax'])
      expect(cookie).toContain(attribute);
    expect(cookie).not.toMatch(/Secure|Domain/);
  });

  it('has the __Host- prefix and Secure under https', async () => {
    const cookie = await issue(createApp({ secure: true }));
    expect(cookie).toMatch(/^__Host-curfew-device=/);
    expect(cookie).toContain('Secure');
  });

  it('is recognised for the user who got it, as the same device each time', async () => {
    const cookie = await issue();
    const device = await recognise(createApp(), cookie);
    expect(device).toMatch(/^[\w-]{24}$/);
    expect(await recognise(createApp(), cookie)).toBe(device);
    expect(await recognise(createApp(), `other=1; ${cookie.split(';')[0]}`)).toBe(device);
    expect(await recognise(createApp(), cookie, 'ravi')).toBeNull();
  });

  it('is another device each time it is issued', async () => {
    const app = createApp();
    expect(await recognise(app, await issue(app))).not.toBe(await recognise(app, await issue(app)));
  });

  it('holds while its secret is still listed, and a newer one signs', async () => {
    const rotated = createApp({ secrets: [NEWER, SECRET] });
    expect(await recognise(rotated, await issue())).not.toBeNull();
    expect(await recognise(createApp({ secrets: [NEWER] }), await issue(rotated))).not.toBeNull();
    expect(await recognise(createApp({ secrets: [NEWER] }), await issue())).toBeNull();
  });

  it('is not recognised once the user has another password, nor for a name that has none', async () => {
    const cookie = await issue();
    const since = (at: number | undefined) => createApp({ passwordSetAt: async () => at });
    expect(await recognise(since(start), cookie)).not.toBeNull();
    expect(await recognise(since(start + 1), cookie)).toBeNull();
    expect(await recognise(since(undefined), cookie)).toBeNull();
  });

  it('is worth nothing after 180 days, whatever the browser does with it', async () => {
    const cookie = await issue();
    const at = (now: number) => createApp({ clock: { now: () => now } });
    expect(await recognise(at(start + 180 * DAY_MS - 1), cookie)).not.toBeNull();
    expect(await recognise(at(start + 180 * DAY_MS), cookie)).toBeNull();
  });

  it.each([
    ['nothing', ''],
    ['no value', 'curfew-device='],
    ['text', 'curfew-device=admin'],
    ['an empty signature', `curfew-device=${'A'.repeat(24)}.${start}.`],
    ['a made-up signature', `curfew-device=${'A'.repeat(24)}.${start}.${'A'.repeat(43)}`],
    ['the other cookie’s name', `__Host-curfew-device=${'A'.repeat(24)}.${start}.${'A'.repeat(43)}`],
  ])('is not recognised in %s', async (_what, cookie) => {
    expect(await recognise(createApp(), cookie)).toBeNull();
  });

  it('cannot be changed: another device, or a later date', async () => {
    const [id = '', issuedAt = '', signature = ''] = (await issue())
      .replace('curfew-device=', '')
      .split(/[.;]/);
    const forged = (parts: readonly string[]) => recognise(createApp(), `curfew-device=${parts.join('.')}`);
    expect(await forged([id, issuedAt, signature])).toBe(id);
    expect(await forged([id.replace(/^./, id.startsWith('A') ? 'B' : 'A'), issuedAt, signature])).toBeNull();
    expect(await forged([id, String(Number(issuedAt) + 1), signature])).toBeNull();
  });

  it('is not made without a secret', () => {
    expect(() => createApp({ secrets: [] })).toThrow('secret');
  });
});
