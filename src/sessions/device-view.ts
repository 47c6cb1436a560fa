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

/** What a User-Agent header says in words; it is a claim and not a proof. */
export function deviceName(userAgent: string): string {
  if (userAgent === '') return 'Unknown device';
  const { browser, os } = Bowser.parse(userAgent);
  const program = browser.name || userAgent.split('/')[0]?.slice(0, 40) || 'Unknown program';
  return os.name ? `${program} on ${os.name}` : program;
}
