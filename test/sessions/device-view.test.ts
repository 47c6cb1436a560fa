import { describe, expect, it } from 'vitest';
import { deviceName, toDeviceView } from '../../src/sessions/device-view.ts';

describe('a device', () => {
  it.each([
    ['Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0', 'Firefox on Linux'],
    [
      'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36',
      'Chrome on Android',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
      'Safari on iOS',
    ],
    ['', 'Unknown device'],
    ['curl/8.5.0', 'curl'],
    ['Call +91 22 5550 100 at once/1.0 (X11; Linux x86_64)', 'Unknown program on Linux'],
    ['visit evil.example now/1 x', 'Unknown program'],
  ])('that calls itself %j is shown as %s', (userAgent, name) => {
    expect(deviceName(userAgent)).toBe(name);
  });

  it.each(['curl/8.5.0', '/', '()', '\u0000', 'x'.repeat(300), '<script>alert(1)</script>'])(
    'that is no browser gets some short name: %j',
    (userAgent) => {
      const name = deviceName(userAgent);
      expect(name).not.toBe('');
      expect(name.length).toBeLessThan(80);
    },
  );

  it('is shown without its session id, and marked when it is the one in one’s hand', () => {
    const device = {
      sid: 's.asha.1.secret',
      deviceId: 'device-1',
      userId: 'asha',
      username: 'asha',
      role: 'user',
      epoch: 0,
      loginTime: 1,
      lastSeen: 2,
      userAgent: '',
      address: '192.0.2.1',
    } as const;
    expect(toDeviceView(device, device.sid)).toEqual({
      deviceId: 'device-1',
      name: 'Unknown device',
      address: '192.0.2.1',
      loginTime: 1,
      lastSeen: 2,
      current: true,
    });
    expect(toDeviceView(device, 'another').current).toBe(false);
  });
});
