import { csrfTokenIn } from './browser.ts';
import type { Device } from './device.ts';

/** The way through the practice broker's pages, as far as the faults let it. */
export async function connectBroker(device: Device, origin: string): Promise<void> {
  const start = await device.submit(origin, '/broker/sandbox/connection');
  const consent = URL.parse(start.location);
  if (consent === null) return;
  const page = await device.browser.request(origin, consent.pathname + consent.search);
  const hidden = [...page.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(
    ([, name = '', value = '']) => [name, value.replaceAll('&amp;', '&')] as const,
  );
  const allowed = await device.browser.request(origin, '/sandbox/authorize', {
    form: { ...Object.fromEntries(hidden), decision: 'allow', _csrf: csrfTokenIn(page) },
  });
  const callback = URL.parse(allowed.location);
  if (callback !== null) await device.browser.request(origin, callback.pathname + callback.search);
}
