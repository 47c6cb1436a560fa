import type { SessionData } from 'express-session';
import { fromIso } from '../core/ist.ts';
import type { DeviceSession } from './session-data.ts';

/** The device of a session, from the stored body. */
export function toDeviceSession(sid: string, session: SessionData, lastSeen: number): DeviceSession {
  return {
    sid,
    deviceId: session.deviceId,
    userId: session.userId,
    username: session.username,
    role: session.role,
    epoch: session.epoch,
    loginTime: fromIso(session.loginTime),
    lastSeen,
    userAgent: session.userAgent,
    address: session.address,
  };
}
