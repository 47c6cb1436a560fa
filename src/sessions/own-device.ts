import type { AuditOrigin } from '../core/audit-event.ts';
import type { SessionLifecycle } from './lifecycle.ts';
import { requireEnded, revokeOrExplain } from './logout-errors.ts';
import type { DeviceSession } from './session-data.ts';

/** The answer where a device could not be ended. */
export const DEVICE = 'The device is not signed out yet.';

/** A device that the user is signed in on; undefined for another user's, as for one that does not exist (ASVS 8.2.2). */
export async function findOwnDevice(
  lifecycle: Pick<SessionLifecycle, 'devicesOf'>,
  userId: string,
  deviceId: string,
): Promise<DeviceSession | undefined> {
  return (await lifecycle.devicesOf(userId)).find((device) => device.deviceId === deviceId);
}

/** Ends a device for its owner. Throws `unavailable` unless its session is ended. */
export async function endOwnDevice(
  lifecycle: Pick<SessionLifecycle, 'endDevice'>,
  { userId, sid }: DeviceSession,
  origin: AuditOrigin,
): Promise<void> {
  const receipt = await revokeOrExplain(DEVICE, () =>
    lifecycle.endDevice(userId, sid, 'ended_by_owner', origin),
  );
  requireEnded(receipt, DEVICE);
}
