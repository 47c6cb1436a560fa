import Bowser from 'bowser';
import type { DeviceSession } from './session-data.ts';

/** A device as a page shows it. */
export interface DeviceView {
  readonly deviceId: string;
  /** `Firefox on Linux`. */
  readonly name: string;
  readonly address: string;
  readonly loginTime: number;
  readonly lastSeen: number;
  readonly current: boolean;
}

export function toDeviceView(device: DeviceSession, currentSid: string): DeviceView {
  return {
    deviceId: device.deviceId,
    name: deviceName(device.userAgent),
    address: device.address,
    loginTime: device.loginTime,
    lastSeen: device.lastSeen,
    current: device.sid === currentSid,
  };
}

const BROWSERS: ReadonlySet<string | undefined> = new Set(Object.values(Bowser.BROWSER_MAP));
/** `curl`, of `curl/8.5.0`. */
const PRODUCT = /^[\w-]{1,40}(?=\/|$)/;

/**
 * A User-Agent header in words; it is a claim and not a proof. A known browser or one short word: a stranger
 * chooses the header, and the name stands in mails of ours.
 */
export function deviceName(userAgent: string): string {
  if (userAgent === '') return 'Unknown device';
  const { browser, os } = Bowser.parse(userAgent);
  const product = BROWSERS.has(browser.name) ? browser.name : PRODUCT.exec(userAgent)?.[0];
  const program = product || 'Unknown program';
  return os.name ? `${program} on ${os.name}` : program;
}
